"""Mistakes as a new user makes them: one clear line each, and exit code 4."""

from __future__ import annotations

import sys

import pytest

from pytest_es_upgrade.plugin import pytest_unconfigure

MISTAKES = {
    "no client": (
        ["--es-upgrade"],
        "--es-upgrade: no client is named; add --es-upgrade-client=MODULE:FACTORY or --es-upgrade-driver=COMMAND",
    ),
    "no such module": (["--es-upgrade-client=client:right"], "there is no module 'client'*did you mean 'clients'?"),
    "no such attribute": (
        ["--es-upgrade-client=clients:rigth"],
        "there is no 'rigth' in clients; did you mean*'right'*",
    ),
    "not callable": (["--es-upgrade-client=clients:number"], "clients:number is 7*expected a factory*"),
    "raises": (["--es-upgrade-client=clients:raising"], "*raised OSError: no configuration*"),
    "wrong signature": (["--es-upgrade-client=clients:two_arguments"], "*takes one argument, the Endpoint*"),
    "nothing callable": (["--es-upgrade-client=clients:empty"], "*returned None, expected a callable*"),
    "two of one name": (
        ["--es-upgrade-client=right=clients:never"],
        "two clients are named 'right': clients:right and clients:never; name one of them: *",
    ),
    "no such case": (["--es-upgrade-case=request.methd"], "*matches no case; did you mean request.method*"),
    "nothing like it": (["--es-upgrade-case=zzz"], "*matches no case; there are request.[*], response.[*], error.[*]*"),
    "left out by the profile": (
        ["--es-upgrade-case=fuzz.stat*"],
        "--es-upgrade-case=fuzz.stat[*] matches no case of the profile quick; add --es-upgrade-profile=ci, *",
    ),
    "report suffix": (["--es-upgrade-report=r.txt"], "*unknown suffix '.txt'; expected one of .json, *"),
    "report folder": (["--es-upgrade-report=no/r.md"], "*there is no folder '*no'; make it first"),
    "report is folder": (["--es-upgrade-report=folder.md"], "*is a folder; name a file in it"),
    "known missing": (["--es-upgrade-known=no.yaml"], "known file '*no.yaml' cannot be read: No such file*"),
    "known typo": (["--es-upgrade-known=typo.yaml"], "known file *typo.yaml:3: 'request.methd' matches no case; *"),
    "known twice": (["--es-upgrade-known=twice.yaml"], "known file *:3: the key 'right' is there twice (line 2 too)"),
}


@pytest.fixture
def mistaken(project):
    files = {
        "typo.yaml": "clients:\n  right:\n    request.methd: {reason: x}\n",
        "twice.yaml": "clients:\n  right: {}\n  right: {}\n",
    }
    for name, text in files.items():
        (project.pytester.path / name).write_text(text, encoding="utf-8")
    project.pytester.mkdir("folder.md")
    project.pytester.makepyfile(test_own="def test_own(): print('own test ran')")
    return project


def arguments(options):
    asked = [] if options == ["--es-upgrade"] else ["--es-upgrade", "--es-upgrade-client=clients:right"]
    replaces = options[0].startswith("--es-upgrade-client=clients")
    return ["--es-upgrade", *options] if replaces else [*asked, *options]


def check(result, expected):
    assert result.ret == 4
    errors = [line for line in result.stderr.lines if line]
    assert len(errors) == 1, errors
    result.stderr.fnmatch_lines([f"ERROR: {expected}"])
    assert "own test ran" not in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(("options", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(mistaken, options, expected):
    check(mistaken.pytester.runpytest_inprocess(*arguments(options)), expected)


@pytest.mark.parametrize("mistake", ["no client", "no such module", "raises", "known typo", "report folder"])
def test_a_mistake_is_one_line_under_xdist_too(mistaken, mistake):
    options, expected = MISTAKES[mistake]
    check(mistaken.pytester.runpytest_subprocess("-n2", *arguments(options)), expected)


def test_a_folder_that_is_not_writable(project, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    result = project.run("--es-upgrade-report=r.json")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: report '*r.json' cannot be written: Permission denied"])


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_do_not_mind(project, option):
    assert project.pytester.runpytest_inprocess("--es-upgrade", option).ret == 0


# --- ini keys -------------------------------------------------------------------------------------------


def ini(project, text):
    project.pytester.makeini(f"[pytest]\nfilterwarnings = error\n{text}")


def test_every_option_has_an_ini_key(project):
    (project.pytester.path / "known.yaml").write_text("clients: {forgetful: {request.dry_run.value: {reason: x}}}")
    ini(
        project,
        "es_upgrade = true\nes_upgrade_client =\n  clients:right\n  clients:forgetful\n"
        "es_upgrade_case = request.dry_run.value\nes_upgrade_known = known.yaml\nes_upgrade_report = r.md\n"
        "es_upgrade_level = should\nes_upgrade_profile = ci\nes_upgrade_strict = true\n",
    )
    below = project.pytester.mkdir("below")
    result = project.pytester.runpytest_inprocess("-p", "no:randomly", "--rootdir=.", "-c", "tox.ini", str(below))
    result.assert_outcomes(passed=1, xfailed=1)
    assert "profile `ci`" in (project.pytester.path / "r.md").read_text(encoding="utf-8")


def test_the_command_line_replaces_ini(project):
    ini(project, "es_upgrade_client = clients:forgetful\nes_upgrade_case = request.nothing\n")
    project.run(cases="request.dry_run.value").assert_outcomes(passed=1)


def test_a_wrong_ini_value_is_one_line(project):
    ini(project, "es_upgrade_level = most\n")
    result = project.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: es_upgrade_level = most: expected one of must, should, may"])


def test_an_ini_file_alone_asks_for_nothing(project):
    ini(project, "es_upgrade_client = clients:missing\n")
    project.pytester.makepyfile(test_own="def test_own(): pass")
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    assert "es-upgrade" not in result.stdout.str().partition("collected")[2]


# --- options that do nothing ----------------------------------------------------------------------------


def test_an_option_without_effect_is_warned_of(project):
    project.pytester.makeini("[pytest]\n")
    project.pytester.makepyfile(test_own="def test_own(): pass")
    # Apart, for in this process the warning would meet the filters of this run.
    result = project.pytester.runpytest_subprocess("--es-upgrade-case=request.method")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*PytestConfigWarning: --es-upgrade-case: no effect without --es-upgrade, or*"])
    assert "verdicts" not in result.stdout.str()


def test_where_warnings_are_errors_it_is_a_clear_one(project):
    project.pytester.makepyfile(test_own="def test_own(): pass")
    result = project.pytester.runpytest_inprocess("--es-upgrade-strict")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --es-upgrade-strict: no effect without --es-upgrade, or*"])


# --- a session that asks for nothing --------------------------------------------------------------------


def test_a_run_without_the_suite_imports_nothing_more_of_ours(project):
    project.pytester.makepyfile(
        test_own="import sys\ndef test_own():\n"
        "    ours = [name for name in sys.modules if name.startswith('pytest_es_upgrade')]\n"
        "    assert ours == ['pytest_es_upgrade', 'pytest_es_upgrade.plugin']\n"
        "    assert 'yaml' not in sys.modules and 'jsonschema' not in sys.modules and 'asyncio' not in sys.modules\n"
    )
    result = project.pytester.runpytest_subprocess("-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    assert "es-upgrade:" not in result.stdout.str()


def test_the_plugin_loads_the_standard_library_and_pytest_alone(pytester):
    code = (
        "import sys, pytest; before = set(sys.modules); import pytest_es_upgrade.plugin\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'_pytest', 'pluggy', 'iniconfig', 'packaging'}))"
    )
    assert pytester.run(sys.executable, "-c", code).outlines == ["['pytest_es_upgrade']"]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--markers", "@pytest.mark.es_upgrade: a case of the UpgradeEngineVersion contract suite, for one client."),
        ("--fixtures", "    A stand-in for UpgradeEngineVersion on loopback; point your client at *"),
        ("--help", "  --es-upgrade-client=[[]NAME=]MODULE:FACTORY"),
    ],
)
def test_what_pytest_shows_of_it(pytester, option, expected):
    result = pytester.runpytest_subprocess(option)
    result.stdout.fnmatch_lines([expected])
    ours = result.stdout.str().partition("from pytest_es_upgrade.plugin")[2].partition("-----")[0]
    assert "no docstring" not in ours


def test_the_end_of_a_session_without_servers(monkeypatch):
    monkeypatch.delitem(sys.modules, "pytest_es_upgrade.server")
    pytest_unconfigure()
    assert "pytest_es_upgrade.server" not in sys.modules
