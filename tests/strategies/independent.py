"""A second opinion: the published schemas, judged by a validator that this project does not use itself."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from pytest_es_upgrade import UpgradeRequest
from pytest_es_upgrade.contract import Contract

#: Field of a call → where the page puts it; written down here anew, for this is a second opinion.
PLACES = {
    "instance_id": ("path", "InstanceId"),
    "client_token": ("query", "clientToken"),
    "dry_run": ("query", "dryRun"),
    "version": ("body", "version"),
    "type": ("body", "type"),
}


def request_rules(contract: Contract, request: UpgradeRequest) -> list[str]:
    """The rules that a call's values break, by the schema alone."""
    document: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    for field, (place, name) in PLACES.items():
        value = getattr(request, field)
        if value is not None or field == "instance_id":
            document[place][name] = as_json(value)
    return schema_rules(contract.request_schema, document)


def schema_rules(schema: Any, document: Any) -> list[str]:
    """The rules (`x-rule`) of the keywords that a document does not satisfy."""
    found = []
    for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(document):
        *path, keyword = error.schema_path
        place = schema
        for step in path:
            place = place[step]
        found.append(place["x-rule"][keyword])
    return found


def as_json(value: Any) -> Any:
    """What JSON cannot carry as an object: it conforms to nothing here."""
    if isinstance(value, str):
        # a lone surrogate becomes another letter that is no ASCII
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return {"python": type(value).__name__}
