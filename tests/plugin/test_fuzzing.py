"""Generated examples: what a failure says, that it can be pasted, kept and seeded, and that a search always ends."""

from __future__ import annotations

import itertools
import json
import re
import time
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

from pytest_es_upgrade import HttpResponse, UpgradeRequest
from pytest_es_upgrade.plugin.run import PROFILES, Profile
from pytest_es_upgrade.suite.fuzz_cases import as_code

CLIENTS = '''
import itertools
import os
import threading
import time
from clients import right
from dataclasses import replace


def mangles_plus(endpoint):
    """A plus in the token becomes a blank: only a generated token shows it."""
    call = right(endpoint)
    return lambda asked: call(replace(asked, client_token=asked.client_token and asked.client_token.replace("+", " ")))


def drops_patches(endpoint):
    """Two mistakes: patches are sent as engine upgrades, and a token of the full length is cut."""
    call = right(endpoint)
    def upgrade(asked):
        type_ = "engineVersion" if asked.type == "aliVersion" else asked.type
        return call(replace(asked, type=type_, client_token=asked.client_token and asked.client_token[:63]))
    return upgrade


def moody(endpoint):
    """The seventh call, whatever it is, forgets its version."""
    call, number = right(endpoint), itertools.count(1)
    def upgrade(asked):
        return call(replace(asked, version=None, type=None) if next(number) == 7 else asked)
    return upgrade


def remembers(endpoint):
    """The first dry run is remembered, and comes back in calls that are none."""
    call, kept = right(endpoint), []
    def upgrade(asked):
        kept.append(asked.dry_run)
        return call(replace(asked, dry_run=True if True in kept else asked.dry_run))
    return upgrade


def hangs_on_dry_runs(endpoint):
    call = right(endpoint)
    def upgrade(asked):
        result = call(asked)
        if asked.dry_run:
            threading.Event().wait()
        return result
    return upgrade


def slow(endpoint):
    call = right(endpoint)
    def upgrade(asked):
        time.sleep(0.2)
        return call(asked)
    return upgrade


def cuts_tokens(endpoint):
    call = right(endpoint)
    return lambda asked: call(replace(asked, client_token=asked.client_token and asked.client_token[:40]))


def refuses_all(endpoint):
    call = right(endpoint)
    def upgrade(asked):
        if asked.client_token is not None:
            raise ValueError("no tokens, please")
        return call(asked)
    return upgrade


def counted(endpoint):
    """As mangles_plus; tells in a file which tokens it was asked with."""
    call = mangles_plus(endpoint)
    def upgrade(asked):
        with open(os.environ["ASKED"], "a") as file:
            print(repr(asked.client_token), file=file)
        return call(asked)
    return upgrade


def repeats_what_was_lost(endpoint):
    """A second attempt under no token, whatever became of the first."""
    call = right(endpoint)
    def upgrade(asked):
        try:
            return call(asked)
        except ConnectionError:
            return call(asked)
    return upgrade


def repeats_dry_run(endpoint):
    """Below must: the default is always sent."""
    call = right(endpoint)
    def upgrade(asked):
        return call(replace(asked, dry_run=bool(asked.dry_run)))
    return upgrade
'''

VALID = "fuzz.request.valid"


@pytest.fixture
def fuzz(project):
    """Run one case of the family for one of the clients above; the result and the case of the report."""
    project.pytester.makepyfile(fuzzed=CLIENTS)

    def run(client, *args, case=VALID):
        result = project.pytester.runpytest_inprocess(
            "-p",
            "no:randomly",
            "--es-upgrade",
            f"--es-upgrade-client=fuzzed:{client}",
            f"--es-upgrade-case={case}",
            "--es-upgrade-report=report.json",
            *args,
        )
        document = json.loads((project.pytester.path / "report.json").read_text(encoding="utf-8"))
        return result, document["clients"][0]["cases"][0]

    return run


def test_a_failure_shows_the_simplest_call_as_code_the_bytes_and_the_rule(fuzz):
    result, case = fuzz("mangles_plus")
    assert result.ret == 1
    assert case["verdict"] == "failed"
    assert {violation["rule"] for violation in case["violations"]} == {"sent.client_token"}
    simplest = "UpgradeRequest(instance_id='es-cn-n6w1o1x0w001c0000', client_token='+')"
    result.stdout.fnmatch_lines(
        [
            "sent.client_token (must): *",
            f"call      {simplest}",
            "sent      POST *clientToken=+*",
            "source    page: *idempotence*",
            "alone     pytest *--es-upgrade-case=fuzz.request.valid*",
            "the simplest example, as a test of your own:",
            "    def test_example(es_upgrade_server, es_upgrade_client):",
            f"        outcome = es_upgrade_client.call({simplest})",
            "request 1 on the wire:",
            "    POST /openapi/instances/*clientToken=+*",
            "answer 1:",
            "    HTTP/1.1 200 OK",
        ]
    )
    assert simplest in case["example"]
    assert len(case["calls"]) == 1
    assert case["calls"][0]["request"]["client_token"] == "+"


def test_the_example_runs_where_it_is_pasted(fuzz, pytester):
    code = fuzz("mangles_plus")[1]["example"]
    pytester.makepyfile(test_pasted=code)
    result = pytester.runpytest_inprocess("test_pasted.py", "--es-upgrade-client=fuzzed:mangles_plus", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*clientToken=+*"])


def test_a_script_of_several_calls_is_a_test_that_fails(fuzz, pytester):
    result, case = fuzz("repeats_what_was_lost", "--es-upgrade-profile=ci", case="fuzz.stateful")
    assert case["verdict"] == "failed"
    result.stdout.fnmatch_lines(["    def test_script(es_upgrade_server, es_upgrade_client):"])
    pytester.makepyfile(test_pasted=case["example"])
    failing = pytester.runpytest_inprocess("test_pasted.py", "--es-upgrade-client=fuzzed:repeats_what_was_lost")
    failing.assert_outcomes(failed=1)
    failing.stdout.fnmatch_lines([f"*{case['violations'][0]['rule']}*"])
    right = pytester.runpytest_inprocess("test_pasted.py", "--es-upgrade-client=clients:right")
    right.assert_outcomes(passed=1)


def test_scripts_are_for_the_profiles_with_time_or_for_who_names_them(fuzz, project):
    assert fuzz("mangles_plus", case="fuzz.stateful")[1]["id"] == "fuzz.stateful"
    listed = project.run("--collect-only", "-q", cases="fuzz.*").stdout.str()
    assert "fuzz.input.invalid" in listed
    assert "fuzz.stateful" not in listed
    assert (
        "fuzz.stateful" in project.run("--collect-only", "-q", "--es-upgrade-profile=ci", cases="fuzz.*").stdout.str()
    )


def test_values_that_are_no_literals_come_with_their_imports():
    asked = UpgradeRequest("es-cn-a", version=Decimal("6.7"), client_token=UUID(int=1))
    names = {}
    exec(as_code((asked, HttpResponse(503), "some.rule")), names)
    assert {"Decimal", "UUID", "HttpResponse", "UpgradeRequest", "test_example"} <= names.keys()


def test_one_rule_is_pursued(fuzz):
    """Shrinking does not slip from one mistake to the other."""
    _, case = fuzz("drops_patches", "--es-upgrade-profile=ci")
    first = case["violations"][0]["rule"]
    request = case["calls"][0]["request"]
    assert (request["type"] == "aliVersion") == (first in ("sent.type", "request.pairing"))
    assert (request["client_token"] is not None) == (first == "sent.client_token")


def test_a_client_that_differs_from_itself_is_flaky(fuzz):
    result, case = fuzz("moody")
    assert case["verdict"] == "failed"
    assert case["reason"].startswith("flaky: the same call twice: first it broke ")
    assert "then no rule was broken (ok: dict returned)" in case["reason"]
    result.stdout.fnmatch_lines(["failed    flaky: *"])
    assert "Traceback" not in result.stdout.str()


def test_what_only_a_used_client_does_is_told_as_that(fuzz):
    _, case = fuzz("remembers")
    assert case["verdict"] == "failed"
    assert "A client made anew keeps the rule in this call" in case["example"]


def test_a_flaky_client_is_known_only_as_a_whole(fuzz, pytester):
    pytester.path.joinpath("known.yaml").write_text(
        "clients:\n  moody:\n    fuzz.request.valid: {reason: moody, rule: request.method}\n"
    )
    assert fuzz("moody", "--es-upgrade-known=known.yaml")[1]["verdict"] == "failed"
    pytester.path.joinpath("known.yaml").write_text("clients:\n  moody:\n    fuzz.request.valid: {reason: moody}\n")
    assert fuzz("moody", "--es-upgrade-known=known.yaml")[1]["verdict"] == "known"


def test_a_known_rule_does_not_hide_another(fuzz, pytester):
    """What is known is not pursued: the rule that is not is the one that is shrunk."""
    known = "[sent.type, request.pairing]"
    pytester.path.joinpath("known.yaml").write_text(
        f"clients:\n  drops_patches:\n    fuzz.request.valid: {{reason: patches, rule: {known}}}\n"
    )
    _, case = fuzz("drops_patches", "--es-upgrade-known=known.yaml", "--es-upgrade-profile=ci")
    assert case["verdict"] == "failed"
    assert case["violations"][0]["rule"] == "sent.client_token"
    assert case["calls"][0]["request"]["client_token"] == "0" * 64


def test_what_is_below_the_level_is_tolerated_and_has_an_example(fuzz):
    _, case = fuzz("repeats_dry_run")
    assert case["verdict"] == "tolerated"
    assert {violation["rule"] for violation in case["violations"]} == {"sent.dry_run_default"}
    assert case["calls"][0]["request"]["dry_run"] is None
    assert "es_upgrade_client.call(UpgradeRequest(" in case["example"]


def test_a_hanging_client_is_not_shrunk(fuzz, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 1.0)
    _, case = fuzz("hangs_on_dry_runs")
    assert [violation["rule"] for violation in case["violations"]] == ["client.hangs"]
    assert "dry_run=True" in case["example"]


def test_a_search_that_took_too_long_decides_nothing(fuzz, monkeypatch):
    monkeypatch.setitem(PROFILES, "quick", PROFILES["quick"]._replace(seconds=0.5))
    _, case = fuzz("slow")
    assert case["verdict"] == "not_testable"
    assert re.fullmatch(r"2[0-9] of 30 examples were not asked within 0\.5 s", case["reason"])


@pytest.mark.parametrize("bounds", [(300, 30, 60.0), (300, 300, 2.0)], ids=["by calls", "by seconds"])
def test_shrinking_is_bounded(fuzz, monkeypatch, bounds):
    """The best that was found is told, and not taken for flaky."""
    monkeypatch.setitem(PROFILES, "quick", Profile(*bounds, fixed=True))
    # A tenth of a second for each call: a busy machine might find nothing in the time.
    clock = itertools.count(time.monotonic(), 0.1)
    monkeypatch.setattr("pytest_es_upgrade.suite.fuzzing.time", SimpleNamespace(monotonic=lambda: next(clock)))
    _, case = fuzz("cuts_tokens")
    assert case["verdict"] == "failed"
    assert case["reason"] is None
    assert {violation["rule"] for violation in case["violations"]} == {"sent.client_token"}


def test_what_is_refused_is_judged(fuzz):
    """A client that refuses tokens is wrong about those that nobody can take for a slip."""
    _, case = fuzz("refuses_all")
    assert case["violations"][0]["rule"] == "sent.call"
    assert case["calls"][0]["request"]["client_token"] == "0"


# --- Hypothesis as its users know it ----------------------------------------------------------------


@pytest.fixture
def tokens_asked(monkeypatch, pytester):
    """What the client `counted` was asked with in the last run."""
    path = pytester.path / "asked.txt"
    monkeypatch.setenv("ASKED", str(path))

    def take():
        asked = path.read_text(encoding="utf-8").splitlines()
        path.unlink()
        return asked

    return take


@pytest.fixture
def database():
    """Hypothesis under a profile with that example database, for as long as the test runs."""
    before = settings.get_current_profile_name()

    def use(chosen):
        settings.register_profile("es-upgrade-test", database=chosen)
        settings.load_profile("es-upgrade-test")

    yield use
    settings.load_profile(before)


def test_quick_asks_the_same_each_time_and_a_seed_asks_something_else(fuzz, tokens_asked, database):
    database(None)
    runs = []
    for args in ((), (), ("--hypothesis-seed=1",), ("--hypothesis-seed=1",), ("--hypothesis-seed=2",)):
        fuzz("counted", *args)
        runs.append(tuple(tokens_asked()))
    assert runs[0] == runs[1]
    assert runs[2] == runs[3]
    assert len(set(runs)) == 3


@pytest.mark.highest
@pytest.mark.parametrize("profile", ["quick", "nightly"])
def test_what_was_found_is_asked_first_next_time(fuzz, tokens_asked, database, profile):
    """Hypothesis's own example database, as its profile names it."""
    database(DirectoryBasedExampleDatabase("kept"))
    places = []
    for _ in range(2):
        fuzz("counted", f"--es-upgrade-profile={profile}")
        places.append([token for token in tokens_asked() if token != "None"].index("'+'"))
    assert places[0] > places[1] == 0


def test_where_no_database_can_be_kept_there_is_none(fuzz, pytester, monkeypatch):
    """A folder that cannot be written costs a warning of Hypothesis's, which is no test's business here."""
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(pytester.path / "clients.py"))
    result, case = fuzz("mangles_plus", "-W", "error")
    assert case["verdict"] == "failed"
    assert "HypothesisWarning" not in result.stdout.str()
