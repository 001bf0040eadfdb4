"""Requests as real clients put them on the wire; see `tests/data/README.md`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pytest_es_upgrade.messages import HttpRequest

DATA = Path(__file__).parents[1] / "data"
#: The made-up key that all of them are signed with.
KEY_ID, SECRET = "testAk", "testSecret"


class Recording(NamedTuple):
    """One request, by which client, and what it was asked for."""

    client: str
    scenario: str
    request: HttpRequest

    @property
    def place(self) -> tuple[str, str, str]:
        """What `not_verifying.yaml` names it by."""
        return self.client, self.scenario, self.request.target


def _recording(row: dict[str, Any]) -> Recording:
    headers = tuple((name, value) for name, value in row["headers"])
    request = HttpRequest(row["method"], row["target"], headers, row["body"].encode())
    return Recording(row["client"], row["scenario"], request)


with gzip.open(DATA / "recordings.jsonl.gz", "rt", encoding="utf-8") as lines:
    RECORDINGS = [_recording(json.loads(line)) for line in lines]

#: Place → why its signature does not verify.
NOT_VERIFYING = {
    (client, row["scenario"], row["target"]): row
    for row in yaml.safe_load((DATA / "not_verifying.yaml").read_text(encoding="utf-8"))
    for client in row["clients"]
}
