"""The command `es-upgrade`: what it says, and that every mistake is one line and exit code 4."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_es_upgrade import cli
from pytest_es_upgrade.cli.commands import run
from pytest_es_upgrade.cli.config import SCHEMA, parse_config
from pytest_es_upgrade.contract import data_file, shipped_contract
from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.messages import HttpResponse


def test_the_command_without_its_library_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    assert capsys.readouterr().err == 'es-upgrade needs click; install it with: pip install "pytest-es-upgrade[cli]"\n'


def test_the_command_does_not_load_its_library_before_it_runs():
    code = "import sys, pytest_es_upgrade.cli; print('click' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"


def test_the_version_is_that_of_the_distribution(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["es-upgrade", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("es-upgrade, version 0.")


@pytest.mark.parametrize("arguments", [["-h"], ["serve", "--help"]])
def test_help_is_no_mistake(arguments, capsys):
    assert run(arguments) == 0
    assert "Usage: es-upgrade" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing command"),
        (["serv"], "No such command 'serv'"),
        (["serve", "--port=x"], "'x' is not a valid integer"),
        (["serve", "--port=99999"], "99999 is not in the range"),
        (["serve", "--tls=bad"], "'bad' is not one of 'good', 'untrusted', 'expired', 'wrong_name'"),
        (["serve", "--config=missing.yaml"], "config file 'missing.yaml' cannot be read: No such file or directory"),
        (["serve", "--journal=missing/j"], "--journal=missing/j cannot be written: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line(arguments, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 4
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith("es-upgrade: ")
    assert told in line


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["explain", "request.path"], ["--help"]], ids=" ".join)
def test_an_output_that_takes_nothing_is_one_line(arguments, unbuffered):
    code = "from pytest_es_upgrade.cli import main; main()"
    words, environment = [sys.executable, "-c", code, *arguments], {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with FULL.open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=environment, text=True, check=False)
    assert done.stderr == "es-upgrade: stopped by the system: [Errno 28] No space left on device\n"
    assert done.returncode == 4


def raising(problem):
    def report(*args):
        raise problem

    return report


def test_what_the_system_does_not_do_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("pytest_es_upgrade.cli.reporting.merge_reports", raising(OSError(28, "No space left", "a")))
    assert run(["report", "a.json", "--to", "b.json"]) == 4
    assert capsys.readouterr().err == "es-upgrade: stopped by the system: [Errno 28] No space left: 'a'\n"


def test_ctrl_c_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("pytest_es_upgrade.cli.reporting.merge_reports", raising(KeyboardInterrupt()))
    assert run(["report", "a.json", "--to", "b.json"]) == 130
    assert capsys.readouterr().err.split("\n") == ["", "es-upgrade: stopped by Ctrl-C", ""]  # behind the ^C


# --- the configuration ------------------------------------------------------------------------------


def test_the_schema_names_the_faults_and_checks_that_there_are():
    properties = data_file(SCHEMA)["properties"]
    fault = properties["faults"]["items"]["properties"]
    assert fault["fault"]["enum"] == list(FAULTS)
    assert fault["options"]["properties"].keys() == {option for row in FAULTS.values() for option in row.options}
    failing = data_file(SCHEMA)["$defs"]["instance"]["properties"]["failing"]
    assert tuple(failing["items"]["enum"]) == shipped_contract().enum("validateType")


class Told:
    """Stands for a stand-in, and remembers what it was told."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


def told_by(text):
    stand_in = Told()
    config = parse_config(text, "c.yaml")
    for step in config.steps:
        step(stand_in)
    return config.endpoint, stand_in.calls


def test_everything_in_a_file_is_told_in_its_order():
    endpoint, calls = told_by("""
endpoint: {accessKeyId: id, accessKeySecret: secret, regionId: cn-beijing}
instances:
  es-cn-a:
  es-cn-b: {version: "6.7", kernel: ali1.2.0, activating: true, failing: [checkClusterHealth]}
  es-cn-c: {ready_again: true}
  es-cn-d: {ready_again: false}
replies:
  - {reply: InstanceNotFound, times: 2}
  - reply: {status: 503, headers: {Retry-After: "1", X-Two: [a, b]}, body: "later"}
  - reply: {status: 400, json: {Code: "\u00e9"}}
  - reply: {status: 400, headers: {content-type: text/plain}, json: []}
  - reply: {status: 204}
faults:
  - fault: silence
  - {fault: throttled_429, times: 3, options: {retry_after: 1}}
""")
    assert endpoint == {"access_key_id": "id", "access_key_secret": "secret", "region_id": "cn-beijing"}
    json_type = ("Content-Type", "application/json;charset=utf-8")
    failing = ["checkClusterHealth"]
    assert calls == [
        ("add_instance", ("es-cn-a",), {}),
        (
            "add_instance",
            ("es-cn-b",),
            {"version": "6.7", "kernel": "ali1.2.0", "activating": True, "failing": failing},
        ),
        ("ready_again", ("es-cn-c",), {}),
        ("add_instance", ("es-cn-d",), {}),
        ("reply_with", ("InstanceNotFound", 2), {}),
        (
            "reply_with",
            (HttpResponse(503, (("Retry-After", "1"), ("X-Two", "a"), ("X-Two", "b")), b"later"), None),
            {},
        ),
        ("reply_with", (HttpResponse(400, (json_type,), '{"Code":"\u00e9"}'.encode()), None), {}),
        ("reply_with", (HttpResponse(400, (("content-type", "text/plain"),), b"[]"), None), {}),
        ("reply_with", (HttpResponse(204), None), {}),
        ("fail_with", ("silence", 1), {}),
        ("fail_with", ("throttled_429", 3), {"retry_after": 1}),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "endpoint:\ninstances:\nreplies:\nfaults:\n"])
def test_an_empty_file_says_nothing(text):
    assert told_by(text) == ({}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {", ":1: "),
        ("[]", ": expected a mapping, got [] (list)"),
        ("instance: {}", ": there is no member 'instance'; did you mean instances?"),
        (
            "\ninstances: {a: {version: 6.3}}",
            ':2: instances.a.version: expected a text, got 6.3 (float); write it in quotes: "6.3"',
        ),
        (
            "instances:\n  a:\n    activating: maybe",
            ":3: instances.a.activating: expected true or false, got 'maybe' (str)",
        ),
        ("instances: {a: {failing: [x]}}", ":1: instances.a.failing.0: got 'x' (str); there are checkClusterHealth, "),
        ("faults: [{fault: refus}]", ":1: faults.0.fault: got 'refus' (str); did you mean refuse?"),
        ("faults: [{fault: gzip, times: 0}]", ":1: faults.0.times: expected at least 1, got 0 (int)"),
        ("replies: [{times: 1}]", ":1: replies.0: there is no 'reply', which is needed"),
        ("replies: [{reply: {status: 700}}]", ":1: replies.0.reply.status: expected at most 599, got 700 (int)"),
        ("replies: [{reply: [1]}]", ":1: replies.0.reply: expected a text or a mapping, got [1] (list)"),
        (
            "replies: [{reply: {status: 200, json: {}, body: x}}]",
            ":1: replies.0.reply: there are 'json' and 'body', which exclude each other; keep one",
        ),
        (
            "instances: {a: {ready_again: true, activating: true}}",
            ":1: instances.a: there are 'ready_again' and 'activating', which exclude each other; keep one",
        ),
        (
            "endpoint: {regionId: 2026-01-01}",
            ":1: endpoint.regionId: expected a text, got datetime.date(2026, 1, 1) (d",
        ),
        ('\nendpoint: {accessKeySecret: "\\ud800"}', ":2: endpoint.accessKeySecret: half of a character (a surrogate)"),
        ('replies: [{reply: {status: 200, body: "\\ud800"}}]', ":1: replies.0.reply.body: half of a character"),
        ('instances: {"\\ud800": {}}', ":1: instances: half of a character (a surrogate) cannot be sent, got "),
        (
            "replies:\n - reply:\n     status: 200\n     json:\n       d: 2026-01-01",
            ":5: replies.0.reply.json.d: JSON has no such value, got datetime.date(2026, 1, 1) (date); write it in q",
        ),
        (
            "replies: [{reply: {status: 200, json: [.nan]}}]",
            ":1: replies.0.reply.json.0: JSON has no such value, got nan",
        ),
        (
            "replies: [{reply: {status: 200, json: {a: -.inf}}}]",
            ":1: replies.0.reply.json.a: JSON has no such value, got",
        ),
        ("replies: [{reply: {status: 200, json: !!binary YQ==}}]", ":1: replies.0.reply.json: JSON has no such value"),
        (
            "replies: [{reply: {status: 200, json: {1: a}}}]",
            ':1: replies.0.reply.json: a key is a text, got 1 (int); write it in quotes: "1"',
        ),
        ("faults: [{fault: slow_head, options: {seconds: .inf}}]", ":1: faults.0.options.seconds: JSON has no such"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(text, told):
    with pytest.raises(UsageProblem) as problem:
        parse_config(text, "c.yaml")
    assert str(problem.value).startswith("config file c.yaml" + told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("replies: [{reply: succes}]", ":1: replies.0: there is no sample 'succes'; did you mean 'success'"),
        ("\nfaults: [{fault: gzip, options: {seconds: 1}}]", ":2: faults.0: fault 'gzip' has no option 'seconds'"),
        (
            'replies: [{reply: {status: 200, headers: {A: "b\\r\\nC: d"}}}]',
            ":1: replies.0: HttpResponse.headers is a tuple of pairs",
        ),
        ('replies: [{reply: {status: 200, headers: {A: "\\u4e00"}}}]', ":1: replies.0: HttpResponse.headers is"),
        ("replies: [{reply: {status: 200.0}}]", ":1: replies.0: HttpResponse.status is a whole number"),
        (
            'faults: [{fault: redirect_302, options: {location: "\\u4e00"}}]',
            ":1: faults.0: fault 'redirect_302': location='\u4e00': expected a text in Latin-1",
        ),
        ('instances: {a: {version: "9"}}', ":1: instances.a: there is no version of an instance '9'; there are 6.3"),
    ],
)
def test_what_the_service_refuses_is_told_with_its_place_too(text, told, tmp_path, capsys):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert run(["serve", f"--config={path}"]) == 4
    assert capsys.readouterr().err.startswith(f"es-upgrade: config file {path}{told}")


def test_the_schema_is_one():
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(data_file(SCHEMA))
    assert json.dumps(data_file(SCHEMA))
