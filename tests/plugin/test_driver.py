"""Runs with drivers beside factories: each is a column, and the death of one is its own affair."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_es_upgrade.cli import driver
from pytest_es_upgrade.cli.driver import try_driver
from pytest_es_upgrade.errors import UsageProblem

DRIVER = Path(__file__).resolve().parents[2] / "examples" / "drivers" / "driver.py"
PYTHON = f"{shlex.quote(sys.executable)} -I -S"
RIGHT = f"{PYTHON} {shlex.quote(str(DRIVER))}"
CASES = "request.method request.path error.documented.instance_not_found response.sample.success"

#: The right driver, changed: `before` runs ahead of each call, with the number of the process's call.
CHANGED = f"""
import os, sys, time
source = open({str(DRIVER)!r}).read()
before = sys.argv[1]
first = "    asked = json.loads(line)"
code = source.replace(first, first + "; number = asked['id']\\n    " + before)
exec(compile(code, "driver", "exec"))
"""


@pytest.fixture
def changed(project):
    """The command of the right driver with that line of Python ahead of each call."""
    path = project.pytester.makefile(".py", changed=CHANGED)
    return lambda before: f"{PYTHON} {path} {shlex.quote(before)}"


def drivers(**commands):
    return [f"--es-upgrade-driver={name}={command}" for name, command in commands.items()]


def run(project, *options, cases=CASES, apart=False, **commands):
    chosen = [f"--es-upgrade-case={case}" for case in cases.split()]
    arguments = ["-p", "no:randomly", "--es-upgrade", *chosen, *drivers(**commands), *options]
    pytester = project.pytester
    return pytester.runpytest_subprocess(*arguments) if apart else pytester.runpytest_inprocess(*arguments)


def report(project, *options, **commands):
    result = run(project, "--es-upgrade-report=r.json", *options, **commands)
    document = json.loads((project.pytester.path / "r.json").read_text(encoding="utf-8"))
    return result, {client["name"]: client for client in document["clients"]}


def rules(client):
    return {found["rule"] for case in client["cases"] for found in case["violations"]}


# --- a driver is a client -----------------------------------------------------------------------------------


def test_a_right_driver_keeps_the_contract(project):
    result, clients = report(project, mine=RIGHT)
    assert result.ret == 0
    assert clients["mine"]["adapter"] == RIGHT
    assert clients["mine"]["summary"]["passed"] == 4
    result.stdout.fnmatch_lines(["es-upgrade: mine keeps the contract at level must in 4 judged cases; *"])


def test_clients_and_drivers_are_columns_of_one_run(project):
    result, clients = report(project, "--es-upgrade-client=clients:right", one=RIGHT, two=RIGHT)
    assert result.ret == 0
    assert list(clients) == ["right", "one", "two"]
    assert {client["summary"]["passed"] for client in clients.values()} == {4}
    run(project, "-k", "two", "--es-upgrade-client=clients:right", one=RIGHT, two=RIGHT).assert_outcomes(
        passed=4, deselected=8
    )


def test_a_driver_by_ini_key(project):
    project.pytester.makeini(f"[pytest]\nes_upgrade_driver =\n  mine={RIGHT}\n")
    run(project).assert_outcomes(passed=4)
    run(project, other=RIGHT).stdout.fnmatch_lines(["es-upgrade: other keeps the contract*"])


def test_drivers_of_workers_tell_the_same(project):
    result = run(project, "-n2", apart=True, one=RIGHT, two=RIGHT)
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["es-upgrade: one keeps *", "es-upgrade: two keeps *"])


def test_the_fixture_speaks_with_a_driver(project):
    project.pytester.makepyfile(
        "from pytest_es_upgrade import UpgradeRequest\n"
        "def test_own(es_upgrade_client, es_upgrade_server):\n"
        "    outcome = es_upgrade_client.call(UpgradeRequest('es-cn-1', '6.7'))\n"
        "    assert (es_upgrade_client.name, outcome.kind, es_upgrade_server.upgrades_started) == ('mine', 'ok', 1)\n"
    )
    project.pytester.runpytest_inprocess(*drivers(mine=RIGHT)).assert_outcomes(passed=1)


def test_the_line_to_run_it_alone_is_right(project, changed):
    command = changed("asked['request'].pop('dryRun', None)")
    result = run(project, cases="request.dry_run.value", my=command)
    (line,) = [line for line in result.stdout.lines if line.startswith("alone ")]
    program, *arguments = shlex.split(line.removeprefix("alone"))
    assert program == "pytest"
    assert f"--es-upgrade-driver=my={command}" in arguments
    again = project.pytester.runpytest_inprocess(*arguments)
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["sent.dry_run (must)*"])


def test_a_value_that_json_cannot_carry_is_not_testable(project, suite):
    from pytest_es_upgrade.messages import UpgradeRequest

    def check(stage):
        stage.call(UpgradeRequest("es-cn-1", version=b"6.7"))
        yield from ()

    suite({"request.a": (check,)})
    result = run(project, "-rs", cases="*", mine=RIGHT)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*JSON cannot carry version=b'6.7' (bytes) to a driver"])


# --- what goes wrong ------------------------------------------------------------------------------------------

FAULTS = {
    "dies": ("sys.stderr.write('Oh no'); sys.stderr.flush(); os._exit(3)", "adapter.driver.ended"),
    "chatter": ("print('calling', flush=True)", "adapter.driver.line"),
    "twice": ('sys.stdout.write(\'{"id":%d,"result":1}\\n\' % number * 2); sys.stdout.flush()', "adapter.driver.id"),
    "unknown": ('print(\'{"id":0,"result":1}\', flush=True)', "adapter.driver.id"),
}


@pytest.mark.parametrize(("before", "rule"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_driver_fails_its_cases_by_its_rule(project, changed, before, rule):
    """After the two calls of the trial, that is: so something of it had reached the wire."""
    command = changed(f"open('calls', 'a').write('x'); os.path.getsize('calls') > 2 and exec({before!r})")
    result, clients = report(project, broken=command, mine=RIGHT)
    assert result.ret == 1
    assert clients["mine"]["summary"]["passed"] == 4
    assert rule in rules(clients["broken"])
    assert {case["verdict"] for case in clients["broken"]["cases"]} <= {"passed", "failed"}
    result.stdout.fnmatch_lines([f"{rule} (must)*", "hint      This is a fault of the adapter, not of the client.*"])


def test_what_a_driver_said_is_shown_with_the_failure(project, changed):
    command = changed("number > 1 and (sys.stderr.write('Oh no\\n'), sys.stderr.flush(), os._exit(3))")
    result, clients = report(project, broken=command)
    calls = clients["broken"]["cases"][0]["calls"]
    assert calls[0]["request"]["instance_id"]
    assert calls[0]["outcome"]["kind"] == "failed"
    result.stdout.fnmatch_lines(["got * the driver ended with exit code 3 *on standard error: Oh no*"])
    assert "Captured stderr call" in result.stdout.str()


def test_one_that_dies_once_is_judged_in_all_other_cases(project, changed):
    command = changed("number == 3 and not os.path.exists('died') and (open('died', 'w'), os._exit(9))")
    result, clients = report(project, dying=command, mine=RIGHT)
    assert clients["mine"]["summary"]["passed"] == 4
    assert clients["dying"]["summary"] == dict.fromkeys(clients["dying"]["summary"], 0) | {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(
        ["es-upgrade: dying breaks the contract at level must: 1 of 4 judged cases did not pass; *"]
    )


def test_one_that_hangs_is_given_up_and_the_others_judged(project, changed, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 1.0)
    command = changed("call(asked['endpoint'], asked['request']); time.sleep(60)")
    result, clients = report(project, hanging=command, mine=RIGHT, cases="request.given.*")
    assert clients["mine"]["summary"]["failed"] == 0
    assert rules(clients["hanging"]) == {"client.hangs"}
    assert clients["hanging"]["summary"]["failed"] == 3
    result.stdout.fnmatch_lines(["*not green: hanging: client hangs: 3 calls*"])


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_one_that_never_gets_through_has_one_reason(project, workers):
    command = f"{PYTHON} nosuch.py"
    result, clients = report(project, *workers, broken=command, mine=RIGHT)
    assert clients["mine"]["summary"]["passed"] == 4
    assert clients["broken"]["summary"]["not_testable"] == 4
    (reason,) = {case["reason"] for case in clients["broken"]["cases"]}
    assert "nothing of it ever reaches the wire: the driver ended with exit code 2 before its input had ended" in reason
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*make the driver send to endpoint.url; es-upgrade driver COMMAND tries it alone"])


def test_a_banner_is_no_reason_to_give_up(project, changed):
    command = f"{PYTHON} -c {shlex.quote('print(1, flush=True); import time; time.sleep(60)')}"
    _, clients = report(project, loud=command)
    assert clients["loud"]["summary"]["failed"] == 4
    assert rules(clients["loud"]) == {"adapter.driver.line"}


def test_a_fault_in_calls_made_at_once(project, suite, changed):
    from pytest_es_upgrade.messages import UpgradeRequest

    def check(stage):
        stage.call_together([UpgradeRequest("es-cn-1"), UpgradeRequest("es-cn-2")])
        yield from ()

    suite({"request.a": (check,)})
    _, clients = report(project, cases="*", broken=changed("number > 1 and os._exit(3)"))
    assert rules(clients["broken"]) == {"adapter.driver.ended"}
    assert len(clients["broken"]["cases"][0]["calls"]) == 2


@pytest.mark.parametrize("workers", [[], ["-n1"]])
def test_one_that_does_not_end_is_told_and_green(project, workers):
    script = f"import time; exec(open({str(DRIVER)!r}).read()); time.sleep(60)"
    result = run(project, *workers, cases="request.method", lasting=f"{PYTHON} -c {shlex.quote(script)}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["es-upgrade: lasting: the driver did not end within 2 s of the end of its input, *"])


@pytest.mark.parametrize("workers", [[], ["-n1"]])
def test_a_fault_after_the_last_answer_is_not_green(project, workers):
    script = f"exec(open({str(DRIVER)!r}).read()); import threading; print('bye')"
    result = run(project, *workers, cases="request.method", chatty=f"{PYTHON} -c {shlex.quote(script)}")
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["es-upgrade: not green: chatty: the driver's line bye is no JSON in UTF-8*"])


MISTAKES = {
    "no such command": ("mine=nodejs-of-mine x.js", "driver *: 'nodejs-of-mine' is no command that is found; check *"),
    "nothing": ("mine=", "driver 'mine=' names no command; expected *"),
    "two of one name": ("right=sh -c true", "two clients are named 'right': clients:right and sh -c true; name *"),
}


@pytest.mark.parametrize("workers", [[], ["-n2"]])
@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(project, text, expected, workers):
    result = run(project, f"--es-upgrade-driver={text}", "--es-upgrade-client=clients:right", *workers, apart=True)
    assert result.ret == 4
    assert len([line for line in result.stderr.lines if line]) == 1
    result.stderr.fnmatch_lines([f"ERROR: {expected}"])


def test_a_file_that_is_no_program_is_a_mistake(project):
    path = project.pytester.makefile(".tool", "neither a script nor a program")
    path.chmod(0o755)
    result = run(project, f"--es-upgrade-driver={path}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: driver *: the driver * cannot be started: Exec format error; a script needs *"]
    )


def test_a_driver_without_the_suite_has_no_effect(project):
    project.pytester.makepyfile(test_own="def test_own(): pass")
    result = project.pytester.runpytest_inprocess(*drivers(mine=RIGHT))
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --es-upgrade-driver: no effect without --es-upgrade, or*"])


def test_nothing_is_left_behind(project):
    script = f"import os; open('pids', 'a').write(str(os.getpid()) + ' '); exec(open({str(DRIVER)!r}).read())"
    run(project, mine=f"{PYTHON} -c {shlex.quote(script)}")
    pids = (project.pytester.path / "pids").read_text().split()
    assert len(pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids[0]), 0)


@pytest.mark.skipif(os.name != "posix", reason="needs signals to processes")
def test_ctrl_c_leaves_nothing_behind(project, interrupt):
    script = "import os, time; input(); open('pid', 'w').write(str(os.getpid()) + '.'); time.sleep(600)"
    arguments = ["--es-upgrade", *drivers(mine=f"{PYTHON} -c {shlex.quote(script)}")]
    process = project.pytester.popen([sys.executable, "-m", "pytest", *arguments], stdin=subprocess.DEVNULL)
    pid = project.pytester.path / "pid"
    while not pid.exists() or not pid.read_text().endswith("."):
        time.sleep(0.01)
    interrupt(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text().rstrip(".")), 0)


# --- the command that tries one alone ----------------------------------------------------------------------------


def tried(command):
    lines = []
    return try_driver(command, lines.append), "\n".join(lines)


def test_a_right_driver_tried_alone():
    code, text = tried(RIGHT)
    assert code == 0
    assert text.count("\n   ok") == 5
    assert text.count("→") == text.count("←") == 5


ERRORS_AS_RESULTS = """global call; right = call
    def call(*asked):
        try: return right(*asked)
        except Exception as raised: return {'id': 1}"""

WRONG = {
    "chatter": ("print('calling', flush=True)", "WRONG: the driver's line calling is no JSON"),
    "dies": ("os._exit(3)", "WRONG: the driver ended with exit code 3"),
    "never errors": ("global error_of; error_of = lambda raised: {}", "WRONG: the code InstanceActivating is not told"),
    "errors as results": (ERRORS_AS_RESULTS, "expected an error with that code, got {'id': 1}"),
    "sends nothing": ("global call; call = lambda *_: {'RequestId': '', 'Result': []}", "WRONG: nothing reached http:"),
    "no document": ("global call; call = lambda *_: 'done'", "WRONG: the result 'done' has nothing of the documented"),
    "always an error": ("global call; call = None", "WRONG: a documented success was told as an error: "),
}
SILENT = {
    "no answer": (
        "time.sleep(60)",
        "2 of 2 calls were not answered within 3 s; does the driver end each line with a line",
    ),
    "one of two": ("number == 3 and time.sleep(60)", "of 2 calls were not answered within 3 s"),
}


@pytest.mark.parametrize(("before", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(changed, before, words):
    code, text = tried(changed(before))
    assert code == 1
    assert words in text


@pytest.mark.parametrize(("before", "words"), SILENT.values(), ids=SILENT)
def test_what_is_not_answered_is_told(changed, monkeypatch, before, words):
    monkeypatch.setattr(driver, "BOUND", 3.0)
    code, text = tried(changed(before))
    assert code == 1
    assert words in text


def test_an_end_that_is_wrong_is_told():
    script = f"exec(open({str(DRIVER)!r}).read()); import threading; print('bye')"
    code, text = tried(f"{PYTHON} -c {shlex.quote(script)}")
    assert code == 1
    assert "end of input\n   ← bye\n   WRONG: the driver's line bye is no JSON" in text


def test_of_a_driver_that_is_gone_no_end_is_tried():
    code, text = tried(f"{PYTHON} nosuch.py")
    assert code == 1
    assert text.endswith("end of input\n   not tried, for no process is left")


def test_a_command_that_is_none():
    with pytest.raises(UsageProblem, match="is no command that is found"):
        tried("nodejs-of-mine")


@pytest.mark.parametrize(("command", "code"), [(RIGHT, 0), ("sh -c true", 1), ("nodejs-of-mine", 4)])
def test_the_command_line(pytester, command, code):
    result = pytester.run(sys.executable, "-c", "from pytest_es_upgrade.cli import main; main()", "driver", command)
    assert result.ret == code
    assert "Traceback" not in result.stderr.str()
