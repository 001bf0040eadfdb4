"""What the terminal shows, and what it does not: as much as was asked for, and nothing where nothing was."""

from __future__ import annotations

import re
import warnings

import pytest

from pytest_es_upgrade import ErrorInfo, HttpRequest, Outcome, check_request
from pytest_es_upgrade.plugin.asserting import explanation


@pytest.fixture
def apart(project):
    """Run pytest in a process of its own, where warnings are warnings."""
    project.pytester.makeini("[pytest]\n")
    project.pytester.makepyfile(test_own="def test_own(): pass")
    return lambda *args: project.pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", *args)


# --- without effect ---------------------------------------------------------------------------------------

NO_EFFECT = "no effect without --es-upgrade, or a module that imports test_es_upgrade_contract"
FIXTURE = "def test_it(es_upgrade_client): pass"
MODULE = "from pytest_es_upgrade.suite import test_es_upgrade_contract"
CLIENT, CASE = "--es-upgrade-client=clients:right", "--es-upgrade-case=request.method"
SUITE = ["--es-upgrade", CLIENT, CASE]
ABOUT_OTHERS = "others.yaml: no effect, for it is about 'java' and 'node', and the suite is run for 'right'"

#: What is given, which test module there is, and what is said of it; None: nothing.
IDLE = {
    "a report": (["--es-upgrade-report=r.md"], "", f"--es-upgrade-report: {NO_EFFECT}"),
    "strict": (["--es-upgrade-strict"], "", f"--es-upgrade-strict: {NO_EFFECT}"),
    "a client and a case": ([CLIENT, CASE], "", f"--es-upgrade-client, --es-upgrade-case: {NO_EFFECT}"),
    "a client for a fixture": ([CLIENT], FIXTURE, None),
    "a case for a fixture": ([CLIENT, CASE], FIXTURE, f"--es-upgrade-case: {NO_EFFECT}"),
    "all for a module": ([CLIENT, CASE, "--es-upgrade-strict"], MODULE, None),
    "a profile for what generates nothing": (
        [*SUITE, "--es-upgrade-profile=ci"],
        "",
        "--es-upgrade-profile=ci: no effect, for none of the chosen cases generates examples; those that do are fuzz.*",
    ),
    "a profile for what generates": (
        ["--es-upgrade", CLIENT, "--es-upgrade-case=fuzz.*", "--es-upgrade-profile=ci", "--collect-only"],
        "",
        None,
    ),
    "known of others": ([*SUITE, "--es-upgrade-known=others.yaml"], "", ABOUT_OTHERS),
    "known of others, for a module": ([CLIENT, CASE, "--es-upgrade-known=others.yaml"], MODULE, ABOUT_OTHERS),
    "known of one misspelt": (
        [*SUITE, "--es-upgrade-known=typo.yaml"],
        "",
        "typo.yaml: its client 'rigth' is not run; did you mean 'right'?",
    ),
    "known of it and of others": ([*SUITE, "--es-upgrade-known=both.yaml"], "", None),
    "known of another release": (
        ["--es-upgrade", "--es-upgrade-client=right2=clients:right", CASE, "--es-upgrade-known=releases.yaml"],
        "",
        "releases.yaml: no effect, for it is about 'right1', and the suite is run for 'right2'",
    ),
    "nothing known": ([*SUITE, "--es-upgrade-known=nothing.yaml"], "", None),
}
KNOWN = {
    "others": "clients: {node: {fuzz.*: {reason: x}}, java: {}}",
    "typo": "clients: {node: {}, rigth: {}}",
    "releases": "clients: {right1: {}}",
    "both": "clients: {right: {}, node: {}}",
    "nothing": "clients: {}",
}


@pytest.mark.parametrize(("args", "module", "said"), IDLE.values(), ids=IDLE)
def test_what_has_no_effect_is_said(project, args, module, said):
    for name, text in KNOWN.items():
        (project.pytester.path / f"{name}.yaml").write_text(text, encoding="utf-8")
    project.pytester.makepyfile(test_own=f"{module}\ndef test_own(): pass")
    project.pytester.makeini("[pytest]\n")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = project.pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:warnings", *args)
    assert result.ret == 0
    texts = [str(one.message) for one in told if one.category is pytest.PytestConfigWarning]
    assert [text.replace(f"{project.pytester.path}/", "") for text in texts] == ([said] if said else [])


@pytest.mark.parametrize(
    "text",
    ["es_upgrade_known = others.yaml", "es_upgrade_profile = ci", "addopts = --es-upgrade-profile=ci"],
)
def test_an_ini_file_may_ask_for_what_a_session_does_not_use(project, text):
    (project.pytester.path / "others.yaml").write_text(KNOWN["others"], encoding="utf-8")
    project.pytester.makeini(f"[pytest]\nfilterwarnings = error\n{text}\n")
    assert project.run().ret == 0


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_it_is_said_once(apart, workers):
    result = apart("--es-upgrade-strict", *workers)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*pytest-es-upgrade:1: PytestConfigWarning: --es-upgrade-strict: {NO_EFFECT}"])


def test_where_warnings_are_errors_all_workers_stop(apart):
    result = apart("--es-upgrade-strict", "-n2", "-Werror")
    assert result.ret == 4
    result.stdout.fnmatch_lines([f"es-upgrade: not green: --es-upgrade-strict: {NO_EFFECT}"])
    assert "Different tests were collected" not in result.stdout.str()


# --- as much as was asked for -----------------------------------------------------------------------------


def plain(result):
    """Without times, and without the plugin in pytest's own list of them."""
    text = re.sub(r"in \d+\.\d+s", "in 0s", result.stdout.str() + result.stderr.str())
    return re.sub(r"(plugins:.*?)es-upgrade-[^ ,\n]+(?:, )?", r"\1", text)


@pytest.mark.parametrize("option", ["-v", "-q", "-qq", "-rA", "--collect-only"])
def test_a_session_without_the_suite_shows_nothing_of_it(project, option):
    project.pytester.makepyfile(test_own="def test_own(): pass")
    shown = [
        plain(project.pytester.runpytest_inprocess("-p", "no:randomly", option, *more))
        for more in ([], ["-p", "no:es_upgrade"])
    ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], ["header", "table", "verdict", "tolerated", "report"]),
        (["-v"], ["header", "table", "verdict", "tolerated", "report"]),
        (["-q"], ["verdict"]),
        (["-qq"], []),
    ],
    ids=["plain", "-v", "-q", "-qq"],
)
def test_quiet_is_quiet(project, options, shown):
    signs = {
        "header": "es-upgrade: capital; 1 case, level must, profile quick",
        "table": "es-upgrade: UpgradeEngineVersion ",
        "verdict": "es-upgrade: capital keeps the contract",
        "tolerated": "  tolerated, ",
        "report": "es-upgrade: report in ",
    }
    text = project.run(
        *options, "--es-upgrade-report=r.md", client="capital", cases="request.dry_run.lower_case"
    ).stdout.str()
    assert [name for name, sign in signs.items() if sign in text] == shown


def test_a_word_why_remains(project):
    """However quiet: a run that judged nothing is not green, and says so."""
    project.pytester.makepyfile(test_own="def test_own(): pass")
    result = project.run("-qq", "-k", "own")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["es-upgrade: not green: no case was run, so nothing was judged"])


@pytest.mark.parametrize(("option", "more"), [([], " and 4 more"), (["-v"], "")])
def test_more_is_named_where_more_is_asked_for(project, suite, option, more):
    def broken(stage):
        stage.open()
        yield from check_request(HttpRequest("POST", "/openapi/instances/a/actions/upgrade-version?dryRun=True"))[:1]

    suite({f"dry_run.{number}": (broken, "request.dry_run.form") for number in range(6)})
    text = project.run(*option, cases="").stdout.str()
    (line,) = [line for line in text.splitlines() if line.startswith("  tolerated, ")]
    assert line.endswith(f"dry_run.1{more}" if more else "dry_run.5")


def test_a_narrow_terminal_has_the_verdicts_that_were_reached(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    project.run().stdout.fnmatch_lines(["right      passed", "  request       1"])


COLOURS = {"NO_COLOR": {"NO_COLOR": "1"}, "no terminal": {}}


@pytest.mark.parametrize("environment", COLOURS.values(), ids=COLOURS)
def test_colour_is_for_terminals_whose_user_wants_it(project, monkeypatch, environment):
    for name in ("FORCE_COLOR", "PY_COLORS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "\x1b" not in project.run().stdout.str()


# --- in assertions ----------------------------------------------------------------------------------------

FORM = HttpRequest("POST", "/openapi/instances/es-cn-a/actions/upgrade-version?dryRun=True", (("Host", "h"),))
ASSERTIONS = f"""
from pytest_es_upgrade import *

FORM = {FORM!r}
METHOD = HttpRequest("PUT", FORM.target, FORM.headers)

def test_one():
    assert check_request(FORM) == []

def test_two():
    assert check_request(METHOD) == []

def test_kind(es_upgrade_server, es_upgrade_client):
    es_upgrade_server.reply_with("InstanceNotFound")
    assert es_upgrade_client.call(UpgradeRequest("es-cn-a")).kind == "ok"

class Proxy:
    @property
    def __class__(self): raise RuntimeError("outside of its context")

def test_a_text_of_its_own():
    lazy, first, second = Proxy(), Outcome("ok"), Outcome("ok", 1)
    status = "ok"
    assert status == "failed"
"""


def test_assertions_say_which_rule_was_broken_and_why_a_call_failed(project):
    project.pytester.makepyfile(test_own=ASSERTIONS)
    text = project.pytester.runpytest_inprocess("-p", "no:randomly", CLIENT).stdout.str()
    for line in (
        "assert [request.dry_run.form] == []",
        "  broken: request.dry_run.form (should): dryRun is spelled in lower case",
        "    at query.dryRun: got 'True', expected 'true'",
        "assert [request.method, request.dry_run.form] == []",
        "  broken: request.method (must) at method: got 'PUT', expected POST",
        "assert 'failed' == 'ok'",
        "  Outcome(kind='failed', error=ErrorInfo(type='HTTPError', code='InstanceNotFound', http_status=404, ",
    ):
        assert re.search(f"^E +(?:AssertionError: )?{re.escape(line)}", text, re.MULTILINE), line
    assert "outside of its context" not in text
    assert "Outcome(kind='ok'" not in text  # of two nobody knows which was meant


def test_both_sides_of_a_comparison_of_violations():
    (form,) = check_request(FORM)
    method = check_request(HttpRequest("PUT", FORM.target, FORM.headers))[0]
    assert explanation([form], [method], whole=False)[0] == "[request.dry_run.form] == [request.method]"
    assert [line for line in explanation([form], [method], whole=False) if line.startswith(("broken", "kept"))] == [
        "broken: request.dry_run.form (should): dryRun is spelled in lower case",
        "kept, expected broken: request.method (must): the method is POST",
    ]
    assert explanation([form] * 4, [form], whole=False) == [
        "[request.dry_run.form, request.dry_run.form, request.dry_run.form, …] == [request.dry_run.form]",
        "they differ in their order or number",
    ]
    assert len(explanation([form, method], [], whole=True)) == 8


@pytest.mark.parametrize("sides", [([], []), (["text"], []), (1, 2), ("hung", "ok"), ("other", "ok")])
def test_other_comparisons_are_pytest_s_own(sides):
    assert explanation(*sides, whole=False) is None


def test_what_an_outcome_shows():
    error = ErrorInfo("E", text="all of it", exits=True)
    assert repr(Outcome("rejected", error=error)) == (
        "Outcome(kind='rejected', error=ErrorInfo(type='E', text='all of it', exits=True))"
    )
    assert repr(ErrorInfo("E", code="C", message="m", text="E: m")) == "ErrorInfo(type='E', code='C', message='m')"
    assert repr(Outcome("ok", result=object, answer={"Result": []})) == "Outcome(kind='ok', answer={'Result': []})"
    assert repr(Outcome("ok")) == "Outcome(kind='ok', result=None)"
    assert repr(Outcome("hung")) == "Outcome(kind='hung')"
