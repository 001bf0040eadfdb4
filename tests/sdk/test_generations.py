"""The older generations of the official Python SDKs, over a real socket: their verdicts, and what is known of them.

What they do was measured independently, and docs/explanation/official-sdk.md sets both side by side.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from typing import NamedTuple

import pytest
from needs import ROOT
from running import GENERATIONS, KNOWN, cases_of, run_suite


class Sdk(NamedTuple):
    """A client of an SDK: its adapter, what is known of it, and the folder of its generation where it has one."""

    adapter: str
    known: str
    generation: str | None = None


SDKS = {
    "official-2021": Sdk("alibabacloud_1:client", "alibabacloud-1.yaml", "alibabacloud-1"),
    "official-2021-async": Sdk("alibabacloud_1:async_client", "alibabacloud-1.yaml", "alibabacloud-1"),
    "classic-json": Sdk("aliyun:json_client", "aliyun-3.yaml"),
    "classic-common": Sdk("aliyun:common_client", "aliyun-3.yaml"),
    "classic-form": Sdk("aliyun:form_client", "aliyun-3.yaml"),
    "classic-set-body": Sdk("aliyun:set_body_client", "aliyun-3.yaml"),
    "classic-setters": Sdk("aliyun:setters_client", "aliyun-3.yaml", "aliyun-3-0"),
}

#: Client → case → the rule that it breaks, as measured of the SDK by hand, without this suite.
CLASSIC = {
    "request.dry_run.lower_case": "request.dry_run.form",
    "request.sdk_parameters": "request.sdk_extra",
    "input.awkward_id.slash": "request.path",
    "input.awkward_id.question_mark": "request.path",
    "input.awkward_id.hash": "request.path",
    "input.awkward_id.encoded_slash": "sent.instance_id",
    "error.no_answer.short_body": "error.no_answer_as_success",
    "error.body.null.503": "error.http_status",
    "error.body.not_utf8.503": "error.http_status",
    "error.ok.empty": "error.not_a_document",
    "error.ok.html": "error.not_a_document",
    "error.ok.null": "error.not_a_document",
    "error.ok.list": "error.not_a_document",
    "error.ok.status_204": "error.undocumented_success",
}
FORM = CLASSIC | {"request.given.version_6_7.type_engine_version": "request.body.media_type"}
OF_2021 = {
    "request.dry_run.lower_case": "request.dry_run.form",
    "request.given.version_6_7.type_engine_version": "request.body.media_type",
    "response.sample.success": "answer.delivered",
    "response.empty_list": "answer.invented",
    "error.body.html.503": "error.http_status",
    "error.body.empty.503": "error.http_status",
    "error.body.null.503": "error.http_status",
    "error.redirect.302.same_host": "error.redirect_as_success",
    "error.ok.no_result": "error.undocumented_success",
    "error.ok.error_body": "error.undocumented_success",
    "error.ok.null": "error.not_a_document",
    "error.ok.status_204": "error.undocumented_success",
    "input.awkward_id.dots": "request.path",
}
MEASURED = {
    "official-2021": OF_2021,
    "official-2021-async": OF_2021,
    "classic-json": CLASSIC,
    "classic-common": CLASSIC,
    "classic-form": FORM,
    "classic-set-body": FORM,
    "classic-setters": FORM
    | {"signature.version": "signature.version", "request.given.nothing": "sent.call_without_version"},
}
#: What was measured to be right.
RIGHT = {
    "official": ["error.ok.empty", "error.ok.html", "error.no_answer.reset", "error.redirect.307.same_host"],
    "classic": ["response.sample.success", "error.redirect.302.same_host", "error.redirect.307.same_host"],
}
ALL_RIGHT = ["error.documented.instance_not_found", "error.status.429", "error.content_type.absent", "signature.value"]


#: Those that share all but how the request is put together, or its transport, with another one that is judged whole.
_LIKE_ANOTHER = ("official-2021-async", "classic-common", "classic-form")
_OWN = ("request", "response", "error", "input", "signature")


@pytest.fixture(scope="module", params=SDKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def judged(name, made_once):
    """The cases of one client by id, judged at level should with the known deviations named."""
    return cases_of(made_once(name, partial(judge, name)))


def judge(name, folder):
    sdk = SDKS[name]
    client = f"--es-upgrade-client={name}=pytest_es_upgrade.adapters.{sdk.adapter}"
    cases = [f"--es-upgrade-case={family}.*" for family in _OWN] if name in _LIKE_ANOTHER else []
    done = run_suite(folder, client, *cases, known=KNOWN / sdk.known, generation=sdk.generation)
    assert done.returncode == 0, done.stdout


#: Makes a call over plain HTTP and prints how many upgrades it has started.
_CALL = """
from importlib import import_module
import asyncio, inspect, sys
from pytest_es_upgrade import UpgradeRequest
from pytest_es_upgrade.standin import StandIn

module, factory = sys.argv[1].split(":")
with StandIn() as stand_in:
    make = getattr(import_module(f"pytest_es_upgrade.adapters.{module}"), factory)
    made = make(stand_in.endpoint)(UpgradeRequest("es-cn-a", "6.7", "engineVersion", "token"))
    if inspect.isawaitable(made):
        asyncio.run(made)
    print(stand_in.upgrades_under("token"))
"""


@pytest.mark.parametrize("sdk", SDKS.values(), ids=SDKS)
def test_an_adapter_makes_an_upgrade(sdk):
    """In this environment, where coverage of it is measured."""
    environment = os.environ | ({"PYTHONPATH": str(GENERATIONS / sdk.generation)} if sdk.generation else {})
    words = [sys.executable, "-W", "ignore", "-c", _CALL, sdk.adapter]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_nothing_new_is_found_and_what_is_not_decided_was_tried(name, judged):
    undecided = [case for case in judged.values() if case["verdict"] == "not_testable"]
    assert {case["verdict"] for case in judged.values()} == {"passed", "tolerated", "known", "not_testable"}
    assert [case["id"] for case in undecided if "; tried: " not in case["reason"]] == []
    assert len(undecided) < 80


def test_what_was_measured_of_it_is_found(name, judged):
    found = {case: {violation["rule"] for violation in judged[case]["violations"]} for case in MEASURED[name]}
    assert {case: rule for case, rule in MEASURED[name].items() if rule not in found[case]} == {}


def test_what_was_measured_to_be_right_passes(name, judged):
    cases = [*RIGHT[name.partition("-")[0]], *(case for case in ALL_RIGHT if case in judged)]
    assert [case for case in cases if judged[case]["verdict"] != "passed"] == []


@pytest.mark.parametrize("known", sorted({sdk.known for sdk in SDKS.values()}))
def test_the_known_file_speaks_of_the_release_that_is_judged(known):
    pinned = re.findall(r'"(alibabacloud-elasticsearch20170613|aliyun-python-sdk-\w+)==([\d.]+)"', _groups())
    text = (KNOWN / known).read_text(encoding="utf-8").split("clients:")[0]
    named = re.findall(r"(alibabacloud-elasticsearch20170613|aliyun-python-sdk-\w+) ([\d.]+\d)", text)
    assert named
    assert set(named) <= set(pinned)


def _groups():
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")
