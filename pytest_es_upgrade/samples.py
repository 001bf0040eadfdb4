"""Requests and answers by name: what stands on the page, and what is derived from it.

All of it follows the contract: another row in its error table is another sample, another version
another request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .contract import Contract
from .errors import UnknownName
from .messages import Headers, HttpResponse, UpgradeRequest

JSON_HEADERS: Headers = (("Content-Type", "application/json;charset=utf-8"),)

#: RequestId of derived answers; the sample's own is masked with four asterisks.
DERIVED_REQUEST_ID = "0E2F7C34-5B1D-4C0A-9C53-6A1B7E4D2F90"


def sample(contract: Contract, name: str) -> HttpResponse:
    """The answer of that name. Raises `UnknownName` with the near ones."""
    errors = {row.code: row for row in contract.errors}
    if name in errors:
        return error_response(errors[name].status, errors[name].code, errors[name].message)
    rows = contract.documents["samples.yaml"]["responses"]
    if name not in rows:
        raise UnknownName("sample", name, sample_names(contract))
    return HttpResponse(rows[name]["status"], JSON_HEADERS, _body(contract, rows[name]))


def sample_names(contract: Contract) -> tuple[str, ...]:
    """The names of all samples, answers of errors included."""
    return (*contract.documents["samples.yaml"]["responses"], *(row.code for row in contract.errors))


def documented_samples(contract: Contract) -> tuple[str, ...]:
    """The names of the samples that stand on the page: the success, and each row of the error table."""
    rows = contract.documents["samples.yaml"]["responses"]
    return (*(name for name, row in rows.items() if row["documented"]), *(row.code for row in contract.errors))


def sample_request(contract: Contract, name: str = "documented") -> UpgradeRequest:
    """The documented request of that name, `documented` or `table_examples`. Raises `UnknownName`."""
    rows = contract.documents["samples.yaml"]["requests"]
    if name not in rows:
        raise UnknownName("sample request", name, rows)
    values = rows[name]["values"]
    return UpgradeRequest(**{contract.parameters[wire].field: value for wire, value in values.items()})


def success_document(contract: Contract) -> dict[str, Any]:
    """The documented success answer, parsed."""
    document: dict[str, Any] = json.loads(contract.documents["samples/success.json"])
    return document


def check_entry(validate_type: str, *, failed: bool, contract: Contract) -> dict[str, Any]:
    """One check of a Result; a failed one has the documented errors of its kind."""
    passed, failure = contract.enum("status")
    documented = {check["validateType"]: check["validateResult"] for check in success_document(contract)["Result"]}
    errors = documented.get(validate_type, []) if failed else []
    return {"validateType": validate_type, "status": failure if failed else passed, "validateResult": errors}


def checks_response(checks: Any, request_id: str = DERIVED_REQUEST_ID, status: int = 200) -> HttpResponse:
    """A success answer with that Result."""
    return json_response(status, {"Result": checks, "RequestId": request_id})


def error_response(status: int, code: str, message: str, request_id: str = DERIVED_REQUEST_ID) -> HttpResponse:
    """An error answer in the shape of the reading `error-body`."""
    host = "elasticsearch.cn-hangzhou.aliyuncs.com"
    return json_response(status, {"Code": code, "Message": message, "RequestId": request_id, "HostId": host})


def json_response(status: int, document: Any) -> HttpResponse:
    """An answer whose body is that document as compact JSON in UTF-8."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # surrogatepass: what a client sent may come back to it in a message
    return HttpResponse(status, JSON_HEADERS, body.encode("utf-8", "surrogatepass"))


def _body(contract: Contract, row: Mapping[str, Any]) -> bytes:
    if "file" in row:
        return str(contract.documents[row["file"]]).strip().encode()
    if "body" in row:
        return json_response(200, row["body"]).body
    return checks_response(_DERIVED[row["checks"]](contract)).body


def _passed(contract: Contract) -> Any:
    return [check_entry(name, failed=False, contract=contract) for name in contract.enum("validateType")]


def _none(contract: Contract) -> Any:  # noqa: ARG001 - one signature for the whole table
    return []


def _struct(contract: Contract) -> Any:
    check = success_document(contract)["Result"][0]
    return {**check, "validateResult": check["validateResult"][0]}


_DERIVED: Mapping[str, Callable[[Contract], Any]] = {"passed": _passed, "none": _none, "struct": _struct}
