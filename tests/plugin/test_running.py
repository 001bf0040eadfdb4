"""Runs of the suite, as a user types them."""

from __future__ import annotations

import json
import re
import shlex
import xml.etree.ElementTree as ET
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from made_checks import breaking, fine, made

from pytest_es_upgrade.errors import NotTestable
from pytest_es_upgrade.report import WRITERS

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
            "es-upgrade: right keeps the contract at level must in 2 judged cases; 833 of 835 cases were not run",
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


@pytest.mark.parametrize("args", [(), ("-n", "1")], ids=["here", "worker"])
def test_the_summary_has_a_line_of_each_also_where_pytest_cuts_none(project, monkeypatch, args):
    monkeypatch.setenv("CI", "true")
    result = project.run(*args, "--tb=no", client="forgetful", cases="request.dry_run.value")
    (line,) = [line for line in result.stdout.lines if "dryRun" in line]
    assert line.endswith(" - sent.dry_run (must): the dryRun that was asked for is the one that is sent")


def test_the_line_that_runs_it_alone_does(project):
    result = project.run("--es-upgrade-level=may", client="forgetful", cases="request.dry_run.value")
    line = re.search(r"^alone +pytest (.*)$", result.stdout.str(), re.MULTILINE).group(1)
    alone = project.pytester.runpytest_inprocess("-p", "no:randomly", *shlex.split(line))
    alone.assert_outcomes(failed=1)
    assert "--es-upgrade-level=may" in line


#: Client, case, verdict → what is asked for, what the known file says, and what the line has beside client and case.
ALONE = {
    "failed": (("forgetful", "request.dry_run.value", "failed"), [], "", []),
    "failed at another level": (
        ("capital", "request.dry_run.lower_case", "failed"),
        ["--es-upgrade-level=may"],
        "",
        ["--es-upgrade-level=may"],
    ),
    "below the level": (
        ("capital", "request.dry_run.lower_case", "tolerated"),
        [],
        "",
        ["--es-upgrade-level=should"],
    ),
    "known": (
        ("capital", "request.dry_run.lower_case", "known"),
        ["--es-upgrade-level=should"],
        "{reason: x}",
        ["--es-upgrade-level=should", "--es-upgrade-known=known.yaml"],
    ),
    "stale": (("right", "request.method", "stale"), [], "{reason: x}", ["--es-upgrade-known=known.yaml"]),
    "expired": (("forgetful", "request.dry_run.value", "failed"), [], "{reason: x, until: 2020-01-01}", []),
    "generated": (("forgetful", "fuzz.request.valid", "failed"), [], "", []),
    "generated in a profile": (
        ("forgetful", "fuzz.request.valid", "failed"),
        ["--es-upgrade-profile=ci"],
        "",
        ["--es-upgrade-profile=ci"],
    ),
}


@pytest.mark.parametrize(("row", "options", "entry", "more"), ALONE.values(), ids=ALONE)
def test_the_line_shows_what_it_stands_beside(project, row, options, entry, more):
    client, case, verdict = row
    if entry:
        options = [*options, known(project, f"clients: {{{client}: {{{case}: {entry}}}}}")]
    found = only(project, client, case, *options)
    program, *words = shlex.split(found["alone"])
    named = ["--es-upgrade", f"--es-upgrade-client={client}=clients:{client}", f"--es-upgrade-case={case}"]
    assert (found["verdict"], program) == (verdict, "pytest")
    assert words == [*named, "-m", "es_upgrade", *more]
    again = project.pytester.runpytest_inprocess("-p", "no:randomly", *words, "--es-upgrade-report=again.json")
    (case_again,) = json.loads((project.pytester.path / "again.json").read_text())["clients"][0]["cases"]
    below = "below level" in (found["reason"] or "")
    assert case_again["verdict"] == ("failed" if below or entry.endswith("01-01}") else verdict)
    assert again.ret == (1 if case_again["verdict"] in ("failed", "stale") else 0)


def only(project, client, case, *options):
    """The case, as the report of a run of it alone has it."""
    _, document = project.report(*options, client=client, cases=case)
    return project.cases_of(document)[case]


def test_what_a_reading_of_the_page_tolerates_is_shown_at_the_same_level(project):
    with (project.pytester.path / "clients.py").open("a", encoding="utf-8") as clients:
        clients.write("\n\ndef typed(endpoint):\n    call = right(endpoint)\n")
        clients.write("    return lambda asked: call(replace(asked, type=asked.type or 'engineVersion'))\n")
    found = only(project, "typed", "request.type.default")
    assert found["reason"] == "another reading of the page: type-default"
    assert "--es-upgrade-level" not in found["alone"]


def test_a_known_file_elsewhere_is_named_whole(project, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "known.yaml"
    path.write_text("clients: {right: {request.method: {reason: x}}}", encoding="utf-8")
    found = only(project, "right", "request.method", f"--es-upgrade-known={path}")
    assert shlex.split(found["alone"])[-1] == f"--es-upgrade-known={path}"


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


@pytest.mark.parametrize("how", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each"])
def test_xdist_gives_the_same_report(project, how):
    cases = "request.dry_run.value request.method request.path request.sample.*"
    _, alone = project.report(client="forgetful", cases=cases)
    result, spread = project.report("-n2", f"--dist={how}", client="forgetful", cases=cases)
    times = 2 if how == "each" else 1  # every worker judges every case then, and each is told once
    result.assert_outcomes(failed=times, passed=4 * times)
    assert result.ret == 1
    assert alone["clients"][0]["summary"] == spread["clients"][0]["summary"]

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
    result.stdout.fnmatch_lines(["es-upgrade: not green: right: none of its 1 case could be decided"])


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
    result.stdout.fnmatch_lines(["XFAIL * - says *", "*beside 1 known deviation; *", "  known: request.dry_run.value"])


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
    result.stdout.fnmatch_lines(["failed    known until 2020-01-01 (x), which has passed; mend it, or move the date"])


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
    result.stdout.fnmatch_lines(["*had not ended 0.05 s after it began, and nothing was sent; make the adapter*"])


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
    assert document.keys() == {"format", "contract", "profile", "level", "kit", "ended", "clients"}
    assert document["kit"] == {"name": "pytest-es-upgrade", "version": version("pytest-es-upgrade")}
    assert document["contract"].keys() == {"operation", "version", "sha256"}
    (client,) = document["clients"]
    assert client.keys() == {"name", "adapter", "selected", "of", "interrupted", "summary", "cases"}
    assert client["summary"] == dict.fromkeys(client["summary"], 0) | {"failed": 1}
    (case,) = client["cases"]
    assert case.keys() == {
        "id", "family", "level", "rules", "title", "verdict", "reason", "seconds", "violations", "calls",
        "upgrades_started", "example", "alone",
    }  # fmt: skip
    assert case["violations"][0].keys() == {"rule", "level", "where", "got", "expected", "quote", "hint"}
    assert case["calls"][0].keys() == {"request", "outcome", "exchanges", "unread"}
    assert case["calls"][0]["exchanges"][0]["done"]["done"] == "scripted"
    assert case["alone"].startswith("pytest --es-upgrade --es-upgrade-client=forgetful=clients:forgetful ")
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


def test_a_slip_of_one_format_takes_neither_the_others_nor_the_verdict(project, monkeypatch):
    def slip(document):
        raise KeyError("members")

    monkeypatch.setitem(WRITERS, ".md", slip)
    result, document = project.report("--es-upgrade-report=r.md", client="right", cases="request.method")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*not green: the report *r.md could not be written: KeyError: 'members'; please tell*"]
    )
    assert document["clients"][0]["summary"]["passed"] == 1


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
