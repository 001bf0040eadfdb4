"""Runs of the suite, as a user types them."""

from __future__ import annotations

import json
import re
import shlex
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from made_checks import breaking, fine, made

from pytest_es_upgrade.errors import NotTestable

IDS = "request.method request.path"


def undecided(stage):
    raise NotTestable("the fault was never reached")


# --- items ------------------------------------------------------------------------------------------


def test_a_right_client_passes(project):
    result = project.run(cases=IDS)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*= es-upgrade: UpgradeEngineVersion 2017-06-13, level must =*",
            "right * passed  failed  tolerated  known  stale  not_testable",
            "  request *2 *.  *",
            "*= es-upgrade: verdicts =*",
            "es-upgrade: right keeps the contract at level must in 2 judged cases",
        ]
    )


def test_nodeids_are_stable(project):
    result = project.run("--collect-only", "-q", cases=IDS)
    result.stdout.fnmatch_lines(
        [
            "es_upgrade::test_es_upgrade_contract[[]right:request.method]",
            "es_upgrade::test_es_upgrade_contract[[]right:request.path]",
        ]
    )
    assert result.ret == 0
    assert "verdicts" not in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "passed", "deselected"),
    [
        (["-k", "method"], 1, 1),
        (["-k", "right"], 2, 0),
        (["-m", "es_upgrade"], 2, 0),
        (["--deselect", "es_upgrade::test_es_upgrade_contract[right:request.path]"], 1, 1),
        (["-p", "no:cacheprovider"], 2, 0),
    ],
)
def test_items_are_selected_as_any(project, options, passed, deselected):
    project.run(*options, cases=IDS).assert_outcomes(passed=passed, deselected=deselected)


def test_a_failure_is_told_in_eight_lines(project):
    result = project.run(client="forgetful", cases="request.dry_run.value")
    result.assert_outcomes(failed=1)
    assert result.ret == 1
    output = result.stdout.str()
    told = output[output.index("\nsent.dry_run (must)") :].split("====")[0].strip().splitlines()
    assert len(told) <= 8
    assert told[0].startswith("sent.dry_run (must): ")
    assert "dry_run=True" in told[1]
    assert "POST /openapi/instances/" in told[2]
    assert "expected True (at query.dryRun)" in told[4]
    assert "“Whether to perform pre-upgrade verification.”" in told[5]
    assert output.index("es-upgrade: UpgradeEngineVersion") < output.index("= FAILURES =")
    result.stdout.fnmatch_lines(["FAILED es_upgrade::*[[]forgetful:request.dry_run.value]*"])


def test_the_line_that_runs_it_alone_does(project):
    result = project.run("--es-upgrade-level=may", client="forgetful", cases="request.dry_run.value")
    line = re.search(r"^alone +pytest (.*)$", result.stdout.str(), re.MULTILINE).group(1)
    alone = project.pytester.runpytest_inprocess("-p", "no:randomly", *shlex.split(line))
    alone.assert_outcomes(failed=1)
    assert "--es-upgrade-level=may" in line


def test_last_failed_runs_again_what_failed(project):
    both = "request.dry_run.value request.method"
    project.run(client="forgetful", cases=both).assert_outcomes(failed=1, passed=1)
    project.run("--lf", client="forgetful", cases=both).assert_outcomes(failed=1, deselected=1)


def test_exit_first_stops(project):
    result = project.run("-x", client="forgetful", cases="request.given.*dry_run_true")
    result.assert_outcomes(failed=1)


def test_junit_has_each_case(project):
    project.run("--junitxml=junit.xml", client="forgetful", cases="request.dry_run.value request.method")
    cases = {case.get("name"): case for case in ET.parse(project.pytester.path / "junit.xml").iter("testcase")}
    assert set(cases) == {
        "test_es_upgrade_contract[forgetful:request.dry_run.value]",
        "test_es_upgrade_contract[forgetful:request.method]",
    }
    (failure,) = cases["test_es_upgrade_contract[forgetful:request.dry_run.value]"].iter("failure")
    assert "sent.dry_run" in failure.text


def test_own_tests_run_beside(project):
    project.pytester.makepyfile(test_own="def test_own(): pass")
    result = project.run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["test_own.py .*", "es_upgrade .*"])


def test_several_clients_are_told_apart(project):
    result, document = project.report("--es-upgrade-client=other=clients:forgetful", cases="request.dry_run.value")
    result.assert_outcomes(passed=1, failed=1)
    assert [client["name"] for client in document["clients"]] == ["right", "other"]
    assert [client["adapter"] for client in document["clients"]] == ["clients:right", "clients:forgetful"]
    result.stdout.fnmatch_lines(["es-upgrade: right keeps *", "es-upgrade: other breaks *1 of 1 judged*"])


def test_xdist_gives_the_same_report(project):
    cases = "request.dry_run.value request.method request.path request.sample.*"
    _, alone = project.report(client="forgetful", cases=cases)
    result, spread = project.report("-n2", client="forgetful", cases=cases)
    result.assert_outcomes(failed=1, passed=4)
    assert result.ret == 1

    def told(document):
        return [(case["id"], case["verdict"], case["violations"]) for case in document["clients"][0]["cases"]]

    assert told(alone) == told(spread)


def test_verbose_and_quiet(project):
    project.run("-v").stdout.fnmatch_lines(["es_upgrade::test_es_upgrade_contract[[]right:request.method] PASSED*"])
    quiet = project.run("-q", "--es-upgrade-report=r.md").stdout.str()
    assert "es-upgrade: right keeps the contract" in quiet
    assert "not_testable" not in quiet
    assert "report in" not in quiet


# --- verdicts ---------------------------------------------------------------------------------------


def test_levels(project):
    cases = "request.dry_run.*"
    result, document = project.report(client="capital", cases=cases)
    assert result.ret == 0
    tolerated = [case for case in project.cases_of(document).values() if case["verdict"] == "tolerated"]
    assert "request.dry_run.form" in {found["rule"] for case in tolerated for found in case["violations"]}
    result.stdout.fnmatch_lines(["*tolerated, below level must: *"])
    result = project.run("--es-upgrade-level=should", client="capital", cases=cases)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["request.dry_run.form (should)*"])


def test_what_a_reading_tolerates_never_fails(project, suite):
    suite({"response.a": (breaking("answer.struct"), "answer.struct")})
    result, document = project.report("--es-upgrade-level=may", cases="*")
    result.assert_outcomes(passed=1)
    (case,) = document["clients"][0]["cases"]
    assert (case["verdict"], case["reason"]) == ("tolerated", "another reading of the page: result-shape")


def test_not_testable_is_skipped_and_never_passed(project, suite):
    suite({"request.a": (undecided,), "request.b": (fine,)})
    result = project.run("-rs", cases="*")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["SKIPPED [[]1] es_upgrade: the fault was never reached", "*1 of 2 cases could not be*"]
    )


def test_strict_fails_what_is_not_testable(project, suite):
    suite({"request.a": (undecided,)})
    result = project.run("--es-upgrade-strict", cases="*")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not testable the fault was never reached", "alone *"])


def test_nothing_decided_is_not_green(project, suite):
    suite({"request.a": (undecided,)})
    result = project.run(cases="*")
    result.assert_outcomes(skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["es-upgrade: not green: right: none of its 1 cases could be decided"])


def test_one_client_that_was_not_judged_is_not_green(project, suite):
    suite({"request.a": (lambda stage: undecided(stage) if "never" in str(stage.call) else fine(stage),)})
    result = project.run("--es-upgrade-client=clients:never", cases="*")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == 1


@pytest.mark.parametrize("options", [["-k", "nothing"], ["-m", "not es_upgrade"]])
def test_no_case_is_not_green(project, options):
    result = project.run(*options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["es-upgrade: not green: no case was run, so nothing was judged"])


def test_an_error_of_the_kit_is_an_error_and_no_verdict(project, suite):
    def broken(stage):
        raise ZeroDivisionError

    suite({"request.a": (broken,)})
    result, document = project.report(cases="*")
    result.assert_outcomes(failed=1)
    assert document["clients"][0]["cases"] == []
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_several_rules_and_calls_still_fit(project, suite):
    def check(stage):
        made(stage)
        stage.reply_with("InstanceNotFound")
        made(stage)
        for rule in ("sent.dry_run", "sent.version", "sent.version", "request.method"):
            yield stage.contract.violation(rule, "query.x", "got", "two\nlines" + "e" * 500)

    suite({"request.a": (check,), "request.b": (lambda stage: breaking("sent.dry_run")(SimpleNamespace()),)})
    output = project.run("-k", "request.a", cases="*").stdout.str()
    assert "broken too: sent.version, request.method" in output
    assert "(call 2 of 2)" in output
    assert "got, expected two lineseee" in output
    assert max(map(len, output.splitlines())) < 300


def test_a_violation_without_a_call(project, suite):
    suite({"request.a": (lambda stage: [stage.contract.violation("sent.dry_run", "x", "g", "e")],)})
    project.run(cases="*").stdout.fnmatch_lines(["call      none was made"])


# --- known deviations ---------------------------------------------------------------------------------


def known(project, text, name="known.yaml"):
    (project.pytester.path / name).write_text(text, encoding="utf-8")
    return f"--es-upgrade-known={name}"


def test_a_known_deviation_is_an_expected_failure(project):
    option = known(
        project, "clients: {forgetful: {request.dry_run.value: {reason: 'says \"why\"', rule: sent.dry_run}}}"
    )
    result, document = project.report(option, "-rx", client="forgetful", cases="request.dry_run.value request.method")
    result.assert_outcomes(xfailed=1, passed=1)
    assert result.ret == 0
    case = project.cases_of(document)["request.dry_run.value"]
    assert (case["verdict"], case["reason"]) == ("known", 'says "why"')
    result.stdout.fnmatch_lines(["XFAIL * - says *", "*beside 1 known deviation", "  known: request.dry_run.value"])


def test_a_known_deviation_that_is_none_is_stale(project):
    option = known(project, "clients: {right: {request.method: {reason: x}}}")
    result, document = project.report(option)
    result.assert_outcomes(failed=1)
    assert project.cases_of(document)["request.method"]["verdict"] == "stale"
    result.stdout.fnmatch_lines(["stale     request.method is known (x), and every rule held: remove that entry"])


def test_another_broken_rule_fails(project):
    option = known(project, "clients: {forgetful: {request.dry_run.value: {reason: x, rule: request.method}}}")
    result = project.run(option, client="forgetful", cases="request.dry_run.value")
    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    told = output[output.index("failed    known is") :].split("====")[0].strip().splitlines()
    assert len(told) <= 8
    assert "broken too: sent.dry_run" in told[0]


def test_a_date_that_has_passed_fails(project):
    option = known(project, "clients: {forgetful: {request.dry_run.value: {reason: x, until: 2020-01-01}}}")
    result = project.run(option, client="forgetful", cases="request.dry_run.value")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["failed    known until 2020-01-01 (x), which has passed"])


def test_a_stale_wildcard_is_not_green(project, suite):
    suite({"request.a.one": (fine,), "request.a.two": (fine,)})
    option = known(project, "clients: {right: {request.a.*: {reason: x}}}")
    result = project.run(option, cases="*")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*right: request.a.* in *known.yaml is stale, no case needs it: remove that entry"])
    assert project.run(option, "-k", "one", cases="*").ret == 0


# --- clients that cannot be judged ----------------------------------------------------------------------


def test_a_client_that_never_gets_through_has_one_reason(project):
    result, document = project.report("-rs", client="never", cases="request.*")
    assert result.ret == 1
    cases = document["clients"][0]["cases"]
    reasons = {case["reason"] for case in cases if case["verdict"] == "not_testable"}
    (reason,) = reasons
    assert re.search(r"raised RuntimeError: no connection to PORT, <object object at 0x…>", reason)
    assert {case["verdict"] for case in cases} == {"not_testable"}
    output = result.stdout.str()
    assert output.count("make the adapter send to endpoint.url") == 1
    result.stdout.fnmatch_lines(["SKIPPED [[]*] es_upgrade: nothing of it ever reaches the wire: *"])


def test_a_client_that_never_gets_through_is_told_once_by_two_workers(project):
    result = project.run("-n2", client="never", cases="request.*")
    assert result.ret == 1
    assert result.stdout.str().count("nothing of it ever reaches the wire") == 1


def test_a_client_that_sends_nothing_and_returns(project):
    result = project.run(client="absent", cases=IDS)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*returned NoneType; make the adapter*"])


def test_a_hanging_client_is_given_up(project, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 0.05)
    result, document = project.report(client="hanging", cases="request.given.*")
    verdicts = [case["verdict"] for case in document["clients"][0]["cases"]]
    assert verdicts[:3] == ["failed"] * 3
    assert set(verdicts[3:]) == {"not_testable"}
    assert {found["rule"] for case in document["clients"][0]["cases"][:3] for found in case["violations"]} == {
        "client.hangs"
    }
    assert document["clients"][0]["cases"][0]["calls"][0]["outcome"]["kind"] == "hung"
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not green: hanging: client hangs: 3 calls*"])


def test_a_client_that_hangs_before_the_wire(project, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.run.BOUND", 0.05)
    result = project.run(client="silent", cases=IDS)
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*had not ended 0.05 s after it began, without an answer; make the adapter*"])


def test_a_client_that_ends_the_program_is_judged(project):
    result = project.run(client="leaving", cases="request.method response.sample.*")
    output = result.stdout.str()
    assert "client.exits (must)" in output
    assert result.parseoutcomes()["failed"] >= 1
    assert project.pytester.path.joinpath("clients.py").samefile("clients.py")


def test_a_client_of_the_public_service_is_stopped(project):
    result = project.run(client="public", cases="request.method request.endpoint_only")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*client.endpoint (must)*",
            "*an attempt to reach elasticsearch.cn-hangzhou.aliyuncs.com:443*",
            "*not green: public: *it tried to reach elasticsearch.cn-hangzhou.aliyuncs.com:443, which was stopped*",
        ]
    )


def test_a_factory_that_fails_in_the_run(project):
    result = project.run(client="raising_later", cases="request.endpoint_only")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*adapter.factory (must)*", "*the factory clients:raising_later raised OSError*"])


# --- reports ------------------------------------------------------------------------------------------


def test_the_json_report_has_every_key(project):
    _, document = project.report("--es-upgrade-report=report.md", client="forgetful", cases="request.dry_run.value")
    assert document.keys() == {"format", "contract", "profile", "level", "clients"}
    assert document["contract"].keys() == {"operation", "version", "sha256"}
    (client,) = document["clients"]
    assert client.keys() == {"name", "adapter", "summary", "cases"}
    assert client["summary"] == dict.fromkeys(client["summary"], 0) | {"failed": 1}
    (case,) = client["cases"]
    assert case.keys() == {
        "id", "family", "level", "rules", "title", "verdict", "reason", "seconds", "violations", "calls",
        "upgrades_started", "example",
    }  # fmt: skip
    assert case["violations"][0].keys() == {"rule", "level", "where", "got", "expected", "quote"}
    assert case["calls"][0].keys() == {"request", "outcome", "exchanges"}
    assert case["calls"][0]["exchanges"][0]["request"]["body"].startswith("{")
    markdown = (project.pytester.path / "report.md").read_text(encoding="utf-8")
    assert "breaks the contract at level must: 1 of 1 judged cases did not pass" in markdown
    assert sorted(path.name for path in project.pytester.path.glob("report*")) == ["report.json", "report.md"]


def test_a_report_that_cannot_be_written_in_the_end_is_not_green(project):
    folder = project.pytester.mkdir("reports")
    project.pytester.makepyfile(test_own=f"import os\ndef test_own(): os.rmdir({str(folder)!r})")
    result = project.run("--es-upgrade-report=reports/r.json")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["es-upgrade: not green: the report *r.json could not be written: No such file*"])


def test_the_secret_is_in_no_report(project, suite):
    def check(stage):
        made(stage)
        yield stage.contract.violation("sent.dry_run", "x", stage.endpoint.access_key_secret, "e")

    suite({"request.a": (check,)})
    result, document = project.report(cases="*")
    assert "testAccessKeySecret" not in json.dumps(document) + result.stdout.str()
    assert document["clients"][0]["cases"][0]["violations"][0]["got"] == "***"


# --- without the terminal ---------------------------------------------------------------------------------


def test_without_terminal_the_exit_code_remains(project, capsys):
    arguments = ["-p", "no:terminal", "--es-upgrade", "--es-upgrade-case=request.method"]
    assert project.pytester.inline_run(*arguments, "--es-upgrade-client=clients:right").ret == 0
    assert project.pytester.inline_run(*arguments, "--es-upgrade-client=clients:never").ret == 1
    assert capsys.readouterr().err.startswith("es-upgrade: never: nothing of it ever reaches the wire")


def test_without_terminal_a_word_why_remains(project):
    result = project.run_apart("-p", "no:terminal", client="never")
    assert result.ret == 1
    result.stderr.fnmatch_lines(["es-upgrade: never: nothing of it ever reaches the wire*"])
