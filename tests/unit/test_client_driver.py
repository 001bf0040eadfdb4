"""Drivers, good ones and one for every way of breaking the protocol: each fault is told, and nothing is left behind."""

from __future__ import annotations

import enum
import gc
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from pytest_es_upgrade.client import driver as module
from pytest_es_upgrade.client import process as process_module
from pytest_es_upgrade.client.driver import DriverClient, load_driver
from pytest_es_upgrade.client.lines import read_line, request_line
from pytest_es_upgrade.contract import data_file
from pytest_es_upgrade.errors import AdapterFault, NotTestable, UsageProblem
from pytest_es_upgrade.messages import Endpoint, ErrorInfo, Outcome, UpgradeRequest

ENDPOINT = Endpoint("http://127.0.0.1:1", ca_file="/ca.pem", timeout=2.5)
REQUEST = UpgradeRequest("es-cn-1", version="6.7")
ANSWER = {"RequestId": "r", "Result": []}
SCHEMA = data_file("driver.schema.json")

#: What every script begins with. `asked` are the requests, as they come.
BEGINNING = """
import json, os, sys, time
def say(line): os.write(1, (line + "\\n").encode())
def answer(id, result={"RequestId": "r", "Result": []}): say(json.dumps({"id": id, "result": result}))
def requests():
    for line in sys.stdin:
        yield json.loads(line)
asked = requests()
"""


def plenty():
    return 20.0


class Shots:
    """A deadline that has run out when it is asked for the third time."""

    def __init__(self):
        self.left = 3

    def __call__(self):
        self.left -= 1
        return 0.01 if self.left else 0.0


@pytest.fixture(autouse=True)
def no_thread_left():
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert set(threading.enumerate()) == before


@pytest.fixture
def started(tmp_path):
    """Makes a client of a script; each is ended."""
    clients = []

    def start(script, watch=None):
        words = [sys.executable, "-I", "-S", "-c", BEGINNING + script]
        clients.append(DriverClient("mine", "python driver.py", words, str(tmp_path), watch))
        return clients[-1]

    yield start
    for client in clients:
        if client._process is not None:
            client._process.kill()


def called(client, *requests, deadline=plenty):
    return client.open(ENDPOINT, plenty).call_together(requests or [REQUEST], deadline)


# --- lines ----------------------------------------------------------------------------------------------


def parsed(line):
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    document = json.loads(line.decode("ascii"))
    Draft202012Validator(SCHEMA).validate(document)
    Draft202012Validator(SCHEMA["$defs"]["request"]).validate(document)
    return document


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_a_request_line_has_endpoint_and_request():
    asked = UpgradeRequest("es-cn-1", "6.7", "engineVersion", "token", dry_run=True)
    assert parsed(request_line(7, ENDPOINT, asked)) == {
        "id": 7,
        "endpoint": {
            "url": "http://127.0.0.1:1",
            "accessKeyId": ENDPOINT.access_key_id,
            "accessKeySecret": ENDPOINT.access_key_secret,
            "regionId": "cn-hangzhou",
            "caFile": "/ca.pem",
            "timeout": 2.5,
        },
        "request": {
            "instanceId": "es-cn-1",
            "version": "6.7",
            "type": "engineVersion",
            "clientToken": "token",
            "dryRun": True,
        },
    }


CARRIED = ["", "a\u2028b\r\n\0", "\U0001f600", 0, -1, 2**53 - 1, 6.7, True, False, [], [1, [None]], {"a": {"b": None}}]


@pytest.mark.parametrize("value", CARRIED, ids=repr)
def test_what_json_carries_is_sent(value):
    given = parsed(request_line(1, ENDPOINT, UpgradeRequest("x", version=value)))["request"]
    assert given == {"instanceId": "x", "version": value}


def test_what_was_not_given_is_absent():
    assert parsed(request_line(1, ENDPOINT, UpgradeRequest(None)))["request"] == {}


class Word(str, enum.Enum):
    ONE = "1"


NOT_CARRIED = [
    b"x",
    {1},
    uuid.UUID(int=0),
    Decimal(1),
    float("nan"),
    float("inf"),
    "\ud800",
    2**53,
    object(),
    Word.ONE,
    [b"x"],
    {1: 2},
    {"a": b"x"},
    {"\udfff": 1},
]


@pytest.mark.parametrize("value", NOT_CARRIED, ids=lambda value: type(value).__name__)
def test_what_json_cannot_carry_is_not_testable(value):
    with pytest.raises(NotTestable, match=r"JSON cannot carry dryRun=.* to a driver"):
        request_line(1, ENDPOINT, UpgradeRequest("x", dry_run=value))


TOLD = {
    '{"id": 1, "result": {"RequestId": "r", "Result": []}}': Outcome("ok", result=ANSWER, answer=ANSWER),
    '{"id": 1, "result": null}': Outcome("ok"),
    '{"result": "é", "id": 1, "more": 1}\r': Outcome("ok", result="é"),
    '{"id": 1, "result": {"Code": "A.B", "Message": "m"}}': Outcome(
        "ok", result={"Code": "A.B", "Message": "m"}, error=ErrorInfo("dict", "A.B", "m", text="A.B\nm")
    ),
    '{"id": 1, "error": {}}': Outcome("failed", error=ErrorInfo("error")),
    '{"id": 1, "error": {"code": "A", "message": "m", "httpStatus": 404, "requestId": "r", "type": "E"}}': Outcome(
        "failed", error=ErrorInfo("E", "A", "m", 404, "r", text="m\nA\nr\n404\nE")
    ),
    '{"id": 1, "error": {"code": null, "message": {"a": 1}, "httpStatus": "x"}}': Outcome(
        "failed", error=ErrorInfo("error", text="{'a': 1}\nx")
    ),
}


@pytest.mark.parametrize(("line", "outcome"), TOLD.items(), ids=TOLD)
def test_an_answer_line_is_an_outcome(line, outcome):
    assert read_line(line.encode()) == (1, outcome)
    Draft202012Validator(SCHEMA).validate(json.loads(line))


BROKEN = {
    b"Listening on port 3000": "is no JSON in UTF-8; standard output is for answers alone",
    b'{"id": 1, "result": ': "is no JSON in UTF-8",
    b"{'id': 1, 'result': 2}": "is no JSON in UTF-8",
    b'{"id": 1, "result": "\xe9"}': "is no JSON in UTF-8",
    b"[" * 100_000 + b"]" * 100_000: "is nested too deeply",
    b"7": "breaks the protocol: expected an object",
    b'{"result": 1}': "expected a member id, that of the request line",
    b'{"id": "1", "result": 1}': "expected id to be an integer, as in the request line",
    b'{"id": true, "result": 1}': "expected id to be an integer",
    b'{"id": 1}': "expected either result or error: one of them, and not both",
    b'{"id": 1, "result": 1, "error": {}}': "expected either result or error: one of them, and not both",
    b'{"id": 1, "error": "no"}': "expected error to be an object, with any of code, message",
    b'{"id": 1, "error": null}': "expected error to be an object",
}


@pytest.mark.parametrize(("line", "words"), BROKEN.items(), ids=[line[:40] for line in BROKEN])
def test_a_broken_line_says_what_was_expected(line, words):
    with pytest.raises(AdapterFault) as caught:
        read_line(line)
    assert caught.value.rule == "adapter.driver.line"
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_every_keyword_of_an_answer_has_its_words():
    """So no fault of a driver is told in the words of a library."""
    for line in BROKEN:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            continue
        problem = best_match(Draft202012Validator(SCHEMA["$defs"]["answer"]).iter_errors(document))
        assert problem.schema["x-says"][problem.validator]


# --- a driver that keeps to the protocol ----------------------------------------------------------------------

ONE_BY_ONE = "for one in asked: answer(one['id'], os.getpid())"
THREE_IN_REVERSE = """
three = [next(asked) for _ in range(3)]
say("")
for one in reversed(three): answer(one["id"], one["request"]["instanceId"]); say("  \\r")
for one in asked: answer(one["id"], "more")
"""


def test_one_process_serves_many_cases(started):
    client = started(ONE_BY_ONE)
    outcomes = []
    for _ in range(3):
        opened = client.open(ENDPOINT, plenty)
        outcomes += [opened.call(REQUEST, plenty), *opened.call_together([REQUEST, REQUEST], plenty)]
        opened.close(plenty)
    assert {outcome.kind for outcome in outcomes} == {"ok"}
    assert len({outcome.result for outcome in outcomes}) == 1
    assert client.runs
    assert client.end() is None
    assert not client.runs
    assert client.end() is None


def test_answers_come_in_any_order_and_blank_lines_are_ignored(started):
    client = started(THREE_IN_REVERSE)
    outcomes = called(client, *(UpgradeRequest(name) for name in "abc"))
    assert [outcome.result for outcome in outcomes] == ["a", "b", "c"]
    assert called(client)[0].result == "more"


def test_threads_of_the_caller_get_each_their_own(started):
    client = started("for one in asked: answer(one['id'], one['request']['instanceId'])")
    opened = client.open(ENDPOINT, plenty)
    told = {}

    def ask(name):
        told[name] = [opened.call(UpgradeRequest(name), plenty).result for _ in range(20)]

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {name: [name] * 20 for name in "abcd"}


def test_an_answer_in_pieces_is_one_line(started):
    client = started("for one in asked: os.write(1, b'{\"id\": 1, '); time.sleep(0.1); say('\"result\": 7}')")
    assert called(client)[0].result == 7


def test_a_long_answer_in_small_pieces_is_measured_by_its_bytes(started, monkeypatch):
    monkeypatch.setattr(process_module, "_LONGEST_LINE", 1 << 18)
    opened = started(
        "line = json.dumps({'id': next(asked)['id'], 'result': 'x' * 20_000}) + '\\n'\n"
        "for place in range(0, len(line), 1000): os.write(1, line[place:place + 1000].encode()); time.sleep(0.005)\n"
        "next(asked, None)"
    ).open(ENDPOINT, plenty)
    assert opened.call(REQUEST, plenty).result == "x" * 20_000


def test_a_last_line_without_a_line_feed_counts(started):
    client = started('next(asked); os.write(1, b\'{"id": 1, "result": 7}\')')
    with pytest.raises(AdapterFault, match="ended with exit code 0"):
        called(client, REQUEST, REQUEST)


def test_every_line_may_be_watched(started):
    seen = []
    client = started(ONE_BY_ONE, lambda arrow, line: seen.append((arrow, json.loads(line)["id"])))
    called(client)
    assert seen == [("→", 1), ("←", 1)]


def test_the_driver_has_its_folder_and_no_proxies(started, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "real")
    client = started("for one in asked: answer(one['id'], [os.getcwd(), dict(os.environ)])")
    folder, variables = called(client)[0].result
    assert Path(folder).samefile(tmp_path)
    assert not {"HTTPS_PROXY", "ALIBABA_CLOUD_ACCESS_KEY_ID"} & set(variables)
    assert "PATH" in variables


def test_what_json_cannot_carry_does_no_harm_to_the_driver(started):
    client = started(ONE_BY_ONE)
    opened = client.open(ENDPOINT, plenty)
    (before,) = called(client)
    with pytest.raises(NotTestable):
        opened.call_together([REQUEST, UpgradeRequest(b"x")], plenty)
    assert opened.call(REQUEST, plenty).result == before.result


# --- every way of breaking it ----------------------------------------------------------------------------------

FAULTS = {
    "banner": (
        "say('ready'); next(asked); time.sleep(60)",
        "adapter.driver.line",
        "the driver's line ready is no JSON",
    ),
    "unknown id": ("next(asked); answer(99); time.sleep(60)", "adapter.driver.id", "the id 99, which was never asked"),
    "id zero": ("next(asked); answer(0); time.sleep(60)", "adapter.driver.id", "the id 0, which was never asked"),
    "twice": (
        'next(asked); say(\'{"id": 1, "result": 1}\\n{"id": 1, "result": 1}\'); time.sleep(60)',
        "adapter.driver.id",
        "the id 1, which has been answered before",
    ),
    "both": (
        'next(asked); say(\'{"id": 1, "result": 1, "error": {}}\'); time.sleep(60)',
        "adapter.driver.line",
        "either result or error",
    ),
    "neither": ("next(asked); say('{\"id\": 1}'); time.sleep(60)", "adapter.driver.line", "either result or error"),
    "dies": ("next(asked); sys.exit(3)", "adapter.driver.ended", "the driver ended with exit code 3 before"),
    "killed": ("next(asked); os.kill(os.getpid(), 9)", "adapter.driver.ended", "the driver ended by signal 9 before"),
    "never starts": ("raise SystemExit('no module')", "adapter.driver.ended", "on standard error: no module"),
    "closes": ("next(asked); os.close(1); time.sleep(60)", "adapter.driver.ended", "closed its standard output"),
}


@pytest.mark.parametrize(("script", "rule", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_and_the_driver_started_anew(started, tmp_path, script, rule, words):
    once = f"""
if not os.path.exists("broken"):
    open("broken", "w").close()
    sys.stderr.write("last words\\n") if {"no module" not in script} else None
    {script}
for one in asked: answer(one["id"])
"""
    client = started(once)
    with pytest.raises(AdapterFault) as caught:
        called(client)
    assert caught.value.rule == rule
    assert words in str(caught.value)
    assert str(caught.value).endswith(("; on standard error: last words", "no module"))
    assert called(client) == [Outcome("ok", result=ANSWER, answer=ANSWER)]


LATE = {
    "dies": ("sys.exit(3)", "adapter.driver.ended"),
    "twice": ("answer(1)", "adapter.driver.id"),
    "chatter": ("say('done')", "adapter.driver.line"),
}
#: A driver that does it once its answer has been taken, and `go` is there.
AFTER = """
answer(next(asked)["id"])
while not os.path.exists("go"): time.sleep(0.01)
os.remove("go")
"""


def wait_for_fault(client, folder):
    (folder / "go").touch()
    process = client._process
    while process.fault is None:
        threading.Event().wait(0.01)


@pytest.mark.parametrize(("script", "rule"), LATE.values(), ids=LATE)
def test_what_comes_after_the_answer_is_the_next_one_s_to_tell(started, tmp_path, script, rule):
    client = started(f"{AFTER}{script}; time.sleep(60)")
    assert called(client)[0].kind == "ok"
    wait_for_fault(client, tmp_path)
    with pytest.raises(AdapterFault) as caught:
        called(client)
    assert caught.value.rule == rule
    assert called(client)[0].kind == "ok"


@pytest.mark.parametrize(("script", "rule"), LATE.values(), ids=LATE)
def test_what_nobody_told_is_told_at_the_end(started, tmp_path, script, rule):
    client = started(f"{AFTER}{script}; next(asked, None)")
    called(client)
    wait_for_fault(client, tmp_path)
    with pytest.raises(AdapterFault) as caught:
        client.end()
    assert caught.value.rule == rule


def test_a_hung_call_ends_the_driver_and_stays_hung(started):
    client = started("first = next(asked); answer(1); [None for one in asked]")
    opened = client.open(ENDPOINT, plenty)
    (before,) = called(client)
    process = client._process
    assert opened.call(REQUEST, Shots()) == Outcome("hung")
    assert process._process.returncode is not None
    assert opened.call_together([REQUEST, REQUEST], plenty) == [Outcome("hung")] * 2
    assert called(client) == [before]


def test_of_calls_together_those_that_were_answered_are_told(started):
    seen = []
    client = started(
        "one = next(asked); next(asked); answer(one['id']); time.sleep(60)", lambda arrow, line: seen.append(arrow)
    )
    outcomes = called(client, REQUEST, REQUEST, deadline=lambda: 0.0 if "←" in seen else 20.0)
    assert [outcome.kind for outcome in outcomes] == ["ok", "hung"]


def test_a_driver_that_does_not_read_cannot_block(started):
    client = started("time.sleep(60)")
    big = UpgradeRequest("x", client_token="x" * 1_000_000)
    assert called(client, big, deadline=Shots()) == [Outcome("hung")]


def test_what_the_driver_has_started_ends_with_it(started, tmp_path):
    script = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nfor one in asked: answer(one['id'], child.pid)"
    )
    client = started(script)
    child = called(client)[0].result
    client.end()
    while is_alive(child):
        threading.Event().wait(0.01)


def is_alive(pid):
    """Whether that process runs; for a moment it may be left as a zombie, until its new parent has seen it."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def test_without_process_groups_the_driver_itself_is_ended(started, monkeypatch):
    monkeypatch.delattr(os, "killpg")
    client = started("time.sleep(60)")
    assert called(client, deadline=Shots()) == [Outcome("hung")]


def test_ctrl_c_while_waiting_ends_the_driver(started):
    def interrupted():
        raise KeyboardInterrupt

    client = started("time.sleep(60)")
    client.open(ENDPOINT, plenty)
    process = client._process._process
    with pytest.raises(KeyboardInterrupt):
        called(client, deadline=interrupted)
    assert process.returncode == -signal.SIGKILL
    assert client.end() is None


def test_a_line_without_end_is_a_fault(started, monkeypatch):
    monkeypatch.setattr(process_module, "_LONGEST_LINE", 1 << 18)
    client = started("next(asked)\nwhile True: os.write(1, b'x' * 65536)")
    with pytest.raises(AdapterFault, match="does not end within 262144 bytes"):
        called(client)


def test_a_driver_that_does_not_end_with_its_input_is_killed(started, monkeypatch):
    monkeypatch.setattr(process_module.DriverProcess.end, "__defaults__", (0.2,))
    client = started("answer(next(asked)['id']); time.sleep(60)")
    called(client)
    assert client.end() == "the driver did not end within 2 s of the end of its input, and was killed"


def test_a_driver_that_cannot_be_started(tmp_path):
    client = DriverClient("mine", "nothing here", [str(tmp_path / "nothing")], str(tmp_path))
    with pytest.raises(AdapterFault, match="the driver nothing here cannot be started: No such file") as caught:
        client.open(ENDPOINT, plenty)
    assert caught.value.rule == "adapter.driver.start"


# --- standard error ---------------------------------------------------------------------------------------------


def test_what_it_says_on_standard_error_is_said_on_ours_with_its_call(started, capsys):
    client = started("for one in asked: os.write(2, b'about %d\\xff\\n' % one['id']); answer(one['id'])")
    called(client)
    assert capsys.readouterr().err == "about 1\ufffd\n"
    called(client)
    assert capsys.readouterr().err == "about 2\ufffd\n"


def test_what_it_says_at_its_end_is_passed_on(started, capsys):
    client = started("[answer(one['id']) for one in asked]; os.write(2, b'bye')")
    called(client)
    client.end()
    assert capsys.readouterr().err == "bye"


def test_a_closed_standard_error_of_ours_is_no_fault(started, monkeypatch):
    class Closed:
        def write(self, text):
            raise ValueError("I/O operation on closed file")

    client = started("for one in asked: os.write(2, b'words'); answer(one['id'])")
    monkeypatch.setattr(sys, "stderr", Closed())
    assert called(client)[0].kind == "ok"


def test_endless_words_fill_no_disk(started, capsys):
    client = started("for one in asked: os.write(2, b'x' * 2_000_000 + b'end'); answer(one['id'])")
    for _ in range(2):
        called(client)
        said = capsys.readouterr().err
        assert len(said) == 65536
        assert said.endswith("xend")
    assert os.fstat(client._process._errors.fileno()).st_size == 0


def test_what_points_into_a_line_is_no_last_word(started):
    noise = r"node:internal:1\n  throw err;\n  ^\n\n | ;\n    ~~~^^^\nError: no module"
    with pytest.raises(AdapterFault) as caught:
        called(started(f"raise SystemExit('{noise}')"))
    assert str(caught.value).endswith("; on standard error: node:internal:1 | throw err; | Error: no module")


# --- from the option to a client ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "my driver.js").write_text("")
    (tmp_path / "empty").write_text("")
    return tmp_path


PYTHON = shlex.quote(sys.executable)

NAMES = {
    f"a.b-c_1={PYTHON} x": ("a.b-c_1", f"{PYTHON} x"),
    f"mine= {PYTHON} x=1": ("mine", f"{PYTHON} x=1"),
    f"{PYTHON} --flag=1 'my driver.js'": ("my-driver", f"{PYTHON} --flag=1 'my driver.js'"),
    "./tool empty": ("tool", "./tool empty"),
    "sh -c true": ("sh", "sh -c true"),
}


@pytest.mark.parametrize(("text", "expected"), NAMES.items(), ids=NAMES)
def test_the_parts_of_an_option(folder, text, expected):
    client = load_driver(text, str(folder))
    assert (client.name, client.adapter) == expected
    assert repr(client) == "DriverClient({!r}, {!r})".format(*expected)


MISTAKES = {
    "": "names no command; expected [NAME=]COMMAND",
    "mine=": "names no command",
    "mine='": "No closing quotation; expected [NAME=]COMMAND",
    "nodejs-of-mine x.js": "'nodejs-of-mine' is no command that is found; check its spelling, PATH, and the folder",
    "./tol": "'./tol' is no command that is found",
    "./empty": "'./empty' may not be executed; check",
    "größe=sh": "the name 'größe' is not made of A-Z a-z 0-9 . _ - alone",
    "=sh": "the name '' is not made of",
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_is_one_line(folder, text, words):
    with pytest.raises(UsageProblem) as caught:
        load_driver(text, str(folder))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_on_windows_backslashes_are_folders(folder, monkeypatch):
    monkeypatch.setattr(module, "os", type("Windows", (), {"name": "nt"}))
    monkeypatch.setattr(module.shutil, "which", lambda path: path)
    client = load_driver('mine="C:\\tools\\node.exe" driver.js', str(folder))
    assert client._words[-1] == "driver.js"
    assert "\\tools\\node.exe" in client._words[0]
