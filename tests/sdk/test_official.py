"""The newest official Python SDK, over a real socket: its verdict, and what is known of it.

The known deviations are those of examples/known/; what the SDK does was measured independently, and
docs/official-sdk.md sets both side by side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADAPTER = "pytest_es_upgrade.adapters.alibabacloud"
CLIENTS = {"official-python": f"{ADAPTER}:client", "official-python-async": f"{ADAPTER}:async_client"}
KNOWN = ROOT / "examples" / "known" / "alibabacloud-5.yaml"


@pytest.fixture(scope="module", params=CLIENTS)
def judged(request, tmp_path_factory):
    """The cases of one client by id, judged at level should with the known deviations named."""
    folder = tmp_path_factory.mktemp("sdk")
    done = run(folder, f"--es-upgrade-client={request.param}={CLIENTS[request.param]}")
    assert done.returncode == 0, done.stdout
    (client,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["clients"]
    return {case["id"]: case for case in client["cases"]}


def run(folder, *options):
    (folder / "pytest.ini").write_text("[pytest]\n")
    suite = [
        "--es-upgrade",
        "--es-upgrade-level=should",
        f"--es-upgrade-known={KNOWN}",
        "--es-upgrade-report=report.json",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_CORE"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *suite, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_the_release_that_the_known_file_speaks_of():
    assert metadata.version("alibabacloud-elasticsearch20170613") in KNOWN.read_text(encoding="utf-8")


def test_every_case_is_judged_and_nothing_new_is_found(judged):
    assert {case["verdict"] for case in judged.values()} == {"passed", "tolerated", "known"}


def test_what_it_puts_on_the_wire_keeps_the_page_but_for_the_spelling_of_dry_run(judged):
    differing = {id_ for id_, case in judged.items() if case["family"] == "request" and case["verdict"] != "passed"}
    assert differing == {"request.dry_run.lower_case"}
    (violation,) = judged["request.dry_run.lower_case"]["violations"][:1]
    assert (violation["rule"], violation["got"]) == ("request.dry_run.form", "'True'")


#: case → rule, as measured of the SDK before this suite was written
MEASURED = {
    "response.struct.result": "answer.struct",
    "error.ok.null_result": "error.undocumented_success",
    "error.ok.no_result": "error.undocumented_success",
    "error.ok.error_body": "error.undocumented_success",
    "error.ok.null": "error.not_a_document",
    "error.ok.list": "error.invented_document",
    "error.ok.string": "error.not_a_document",
    "error.body.html.503": "error.http_status",
    "error.body.empty.503": "error.http_status",
    "error.body.null.503": "error.http_status",
    "error.body.a_list.503": "error.http_status",
    "error.redirect.302.same_host": "error.redirect_as_success",
    "error.ok.duplicate_members": "error.duplicate_members",
}


@pytest.mark.parametrize("case", MEASURED)
def test_what_was_measured_of_it_is_found(judged, case):
    assert MEASURED[case] in {violation["rule"] for violation in judged[case]["violations"]}


#: what was measured to be right
RIGHT = [
    "response.sample.success",
    "response.empty_list",
    "response.extra_members.in_a_check",
    "response.open_values.status_capital",
    "response.status_202",
    "response.interim.continue_100",
    "error.documented.instance_not_found",
    "error.other_status.instance_not_found.400",
    "error.status.429",
    "error.content_type.absent",
    "error.content_type.text_plain",
    "error.ok.empty",
    "error.ok.html",
    "error.ok.status_204",
    "error.no_answer.reset",
    "error.no_answer.short_body",
    "error.no_answer.no_last_chunk",
    "error.no_answer.garbage",
    "error.redirect.307.same_host",
]


@pytest.mark.parametrize("case", RIGHT)
def test_what_was_measured_to_be_right_passes(judged, case):
    assert judged[case]["verdict"] == "passed"


def test_a_known_deviation_that_is_gone_is_stale(tmp_path):
    known = tmp_path / "stale.yaml"
    known.write_text('clients: {official-python: {request.method: {reason: "it used to send PUT"}}}')
    client = f"--es-upgrade-client=official-python={CLIENTS['official-python']}"
    done = run(tmp_path, client, f"--es-upgrade-known={known}", "--es-upgrade-case=request.method")
    assert done.returncode == 1
    assert "stale" in done.stdout
