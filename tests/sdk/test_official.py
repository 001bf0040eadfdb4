"""The newest official Python SDK, over a real socket: its verdict, and what is known of it.

The known deviations are those of examples/known/; what the SDK does was measured independently, and
docs/explanation/official-sdk.md sets both side by side.
"""

from __future__ import annotations

import json
import os
from functools import partial
from importlib import metadata

import pytest
from running import KNOWN as FOLDER
from running import cases_of, run_suite

ADAPTER = "pytest_es_upgrade.adapters.alibabacloud"
RETRYING = "official-python-retrying"
CLIENTS = {
    "official-python": f"{ADAPTER}:client",
    "official-python-async": f"{ADAPTER}:async_client",
    RETRYING: f"{ADAPTER}:retrying_client",
}
KNOWN = FOLDER / "alibabacloud-5.yaml"


@pytest.fixture(scope="module", params=CLIENTS)
def judged(request, made_once):
    """The cases of one client by id, judged at level should with the known deviations named."""
    folder = made_once(request.param, partial(judge, request.param))
    return {id_: case | {"client": request.param} for id_, case in cases_of(folder).items()}


def judge(name, folder):
    done = run_suite(folder, f"--es-upgrade-client={name}={CLIENTS[name]}", known=KNOWN)
    assert done.returncode == 0, done.stdout


def test_it_reaches_the_service_behind_responses_with_the_host_alone(monkeypatch):
    """Without a protocol it speaks https, as its own examples do."""
    from alibabacloud_elasticsearch20170613.client import Client
    from alibabacloud_elasticsearch20170613.models import UpgradeEngineVersionRequest
    from alibabacloud_tea_openapi.models import Config

    from pytest_es_upgrade.plugin.fixtures import Responses

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with Responses() as stand_in:
        endpoint = stand_in.endpoint
        config = Config(
            access_key_id=endpoint.access_key_id,
            access_key_secret=endpoint.access_key_secret,
            region_id=endpoint.region_id,
            endpoint=endpoint.netloc,
        )
        asked = UpgradeEngineVersionRequest(client_token="t", version="6.7", type="engineVersion")
        answer = Client(config).upgrade_engine_version("es-cn-a", asked)
        assert [check.status for check in answer.body.result] == ["success"] * 4
        assert (stand_in.upgrades_under("t"), stand_in.mock.calls[0].request.url[:24]) == (
            1,
            "https://es-upgrade.test/",
        )


def test_its_three_clients_side_by_side(tmp_path):
    """A few cases, and what of the adapter runs for them is measured: whole suites are not."""
    clients = [f"--es-upgrade-client={name}={factory}" for name, factory in CLIENTS.items()]
    cases = ["--es-upgrade-case=request.method", "--es-upgrade-case=response.sample.*"]
    done = run_suite(tmp_path, *clients, *cases, known=KNOWN, measured=True)
    assert done.returncode == 0, done.stdout
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["clients"]
    assert [client["name"] for client in told] == list(CLIENTS)
    assert all(client["summary"]["passed"] == len(client["cases"]) for client in told)


def test_it_is_the_release_that_the_known_file_speaks_of():
    assert metadata.version("alibabacloud-elasticsearch20170613") in KNOWN.read_text(encoding="utf-8")


def test_every_case_is_judged_but_for_what_it_does_not_do_and_nothing_new_is_found(judged):
    undecided = [case for case in judged.values() if case["verdict"] == "not_testable"]
    assert {case["verdict"] for case in judged.values()} == {"passed", "tolerated", "known", "not_testable"}
    assert {case["family"] for case in undecided} <= {"idempotency", "dry_run", "isolation", "signature"}
    assert [case["reason"] for case in undecided if "; tried: " not in case["reason"]] == []


def test_with_its_retries_and_without_a_token_a_lost_answer_is_two_upgrades(judged):
    case = judged["idempotency.lost.answer_lost_after_start.without_token"]
    broken = {violation["rule"] for violation in case["violations"]}
    retries = case["client"] == RETRYING
    assert broken == ({"idempotency.started_once", "idempotency.retry_token"} if retries else set())
    assert case["upgrades_started"] == (2 if retries else 1)
    with_token = judged["idempotency.lost.answer_lost_after_start.with_token"]
    assert (with_token["verdict"], with_token["upgrades_started"]) == ("passed", 1)


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
    "input.awkward_id.dot": "request.path",
    "input.awkward_id.dots": "request.path",
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
    "input.awkward_id.slash",
    "input.awkward_id.encoded_slash",
    "input.awkward_token.line_feed",
    "input.client_token.length.one_more",
    "input.instance_id.required.empty",
    "input.instance_id.type.null",
    "input.pairing.6_7_ali_version",
    "input.version.type.as_number",
]


@pytest.mark.parametrize("case", RIGHT)
def test_what_was_measured_to_be_right_passes(judged, case):
    assert judged[case]["verdict"] == "passed"


def test_a_known_deviation_that_is_gone_is_stale(tmp_path):
    known = tmp_path / "stale.yaml"
    known.write_text('clients: {official-python: {request.method: {reason: "it used to send PUT"}}}')
    client = f"--es-upgrade-client=official-python={CLIENTS['official-python']}"
    done = run_suite(tmp_path, client, "--es-upgrade-case=request.method", known=known)
    assert done.returncode == 1
    assert "stale" in done.stdout
