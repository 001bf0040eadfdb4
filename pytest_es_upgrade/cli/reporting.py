"""`es-upgrade report A.json B.json --to FILE`: the reports of several runs as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator

from ..contract import data_file
from ..errors import UsageProblem
from ..report import check_path, merge, verdict_sentence, write

if TYPE_CHECKING:
    from ..results import Json

SCHEMA = "report.schema.json"


def merge_reports(paths: Sequence[Path], targets: Sequence[Path], tell: Callable[[str], None]) -> None:
    """Merge these JSON reports, write the result to each target by its suffix, and tell a line for each client.

    Raises `UsageProblem` where one cannot be read, they do not belong together, or a target cannot be
    written; nothing is written then.
    """
    for target in targets:
        check_path(target)
    document = merge([(str(path), read_report(path)) for path in paths])
    for client in document["clients"]:
        tell(f"{client['name']} {verdict_sentence(client, document['level'])}")
    for target in targets:
        _write(target, document)
        tell(f"report in {target}")


def read_report(path: Path) -> Json:
    """The document in that file. Raises `UsageProblem` where there is none, naming the first thing that is wrong."""
    try:
        document: Json = json.loads(path.read_bytes())
        json.dumps(document, ensure_ascii=False).encode()  # lone surrogates are no text
    except OSError as problem:
        raise UsageProblem(f"report {str(path)!r} cannot be read: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        raise UsageProblem(f"report {str(path)!r} is no JSON: {problem}; it takes what ends in .json") from None
    wrong = next(Draft202012Validator(data_file(SCHEMA)).iter_errors(document), None)
    if wrong is not None:
        where = "".join(f"/{step}" for step in wrong.absolute_path)
        words = f"at {where}: {wrong.message}" if where else wrong.message
        raise UsageProblem(f"report {str(path)!r} is no report of this kit: {words[:_SHOWN]}")
    return document


#: Characters of what jsonschema says, which shows the whole of what is wrong.
_SHOWN = 200


def _write(target: Path, document: Json) -> None:
    try:
        write(target, document)
    except OSError as problem:
        raise UsageProblem(f"the report {target} could not be written: {problem.strerror}") from None
