"""`es-upgrade serve` as a process: what it says, serves and writes, and how it ends."""

from __future__ import annotations

import base64
import errno
import hmac
import json
import pkgutil
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from pytest_es_upgrade.cli.commands import run
from pytest_es_upgrade.cli.serving import _ENDING, Journal
from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.server import forget

PATH = "/openapi/instances/es-cn-a/actions/upgrade-version"
#: One that is started by nohup ignores the end of its terminal, and hands that down: not to the command.
HEEDED = "import signal; hasattr(signal, 'SIGHUP') and signal.signal(signal.SIGHUP, signal.SIG_DFL)"
COMMAND = [sys.executable, "-c", f"{HEEDED}; from pytest_es_upgrade.cli import main; main()", "serve"]


@contextmanager
def served(*options, ends_with=signal.SIGTERM):
    """A service in a process of its own; it has to end with 0, and to leave nothing on its error output."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(ends_with)
            try:
                rest, errors = process.communicate(timeout=30)
            finally:
                process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")


def post(ready, headers=None, query=""):
    context = ssl.create_default_context(cafile=ready["caFile"]) if ready["caFile"] else None
    handlers = [urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=context)] if context else [])]
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(ready["url"] + PATH + query, b'{"version":"6.7"}', headers)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def first_line(journal):
    """An exchange ends a moment after its answer has come."""
    until = time.monotonic() + 10
    while not (lines := journal.read_text(encoding="utf-8").splitlines()) and time.monotonic() < until:
        time.sleep(0.01)
    return json.loads(lines[0])


@pytest.mark.parametrize("number", _ENDING)
def test_it_says_where_it_is_serves_and_ends_with_a_signal(number):
    with served(ends_with=number) as ready:
        assert ready["caFile"] is None
        assert ready.keys() == {"url", "caFile", "accessKeyId", "accessKeySecret", "regionId"}
        status, document = post(ready)
        assert (status, len(document["Result"])) == (200, 4)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(ready["url"].rpartition(":")[2])))


def test_the_file_of_certificates_is_there_as_long_as_the_service():
    with served("--tls=good") as ready:
        assert ready["url"].startswith("https://")
        assert Path(ready["caFile"]).exists()
        assert post(ready)[0] == 200
    assert not Path(ready["caFile"]).parent.exists()


@pytest.mark.parametrize("certificate", ["untrusted", "expired", "wrong_name"])
def test_a_certificate_that_is_wrong_is_shown(certificate):
    with (
        served(f"--tls={certificate}") as ready,
        pytest.raises(urllib.error.URLError, match="certificate verify failed"),
    ):
        post(ready)


def test_what_the_file_says_happens_and_the_journal_tells_it_as_it_ends(tmp_path):
    config, journal = tmp_path / "c.yaml", tmp_path / "j.jsonl"
    config.write_text("""
endpoint: {accessKeyId: me, accessKeySecret: my-secret}
instances: {es-cn-a: {failing: [checkClusterHealth]}}
replies: [{reply: InstanceNotFound, times: 1}]
faults: [{fault: throttled_429}]
""")
    with served(f"--config={config}", f"--journal={journal}") as ready:
        assert (ready["accessKeyId"], ready["accessKeySecret"]) == ("me", "my-secret")
        assert post(ready)[0] == 429
        assert first_line(journal)["fault"] == "throttled_429"
        assert post(ready)[0] == 404
        status, document = post(ready, {"X-Careless": "my-secret"})
        assert (status, document["Result"][0]["status"]) == (200, "failed")
    exchanges = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [exchange["response"]["status"] for exchange in exchanges] == [429, 404, 200]
    assert exchanges[0].keys() == {"request", "response", "started", "ended", "fault", "done"}
    assert [exchange["done"]["done"] for exchange in exchanges] == ["nothing", "scripted", "checks_failed"]
    assert "my-secret" not in journal.read_text(encoding="utf-8")
    assert ["X-Careless", "***"] in exchanges[2]["request"]["headers"]


def roa_signed(ready, secret):
    """The headers of `post`, signed with the older scheme; urllib sends no Accept."""
    date = formatdate(usegmt=True)
    text = f"POST\n\n\napplication/json\n{date}\nx-acs-version:2017-06-13\n{PATH}"
    signature = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
    return {"Date": date, "x-acs-version": "2017-06-13", "Authorization": f"acs {ready['accessKeyId']}:{signature}"}


def test_signatures_are_looked_at_where_that_was_asked_for():
    with served("--check-signatures") as ready:
        refused = [post(ready), post(ready, roa_signed(ready, "another"))]
        assert [(status, json.loads(body)["Code"]) for status, body in refused] == [
            (403, "MissingSignature"),
            (403, "SignatureDoesNotMatch"),
        ]
        assert post(ready, roa_signed(ready, ready["accessKeySecret"]))[0] == 200


def test_the_journal_tells_what_was_done_and_which_upgrades_were_started(tmp_path):
    """Two of these faults are the same on the wire, and one leaves no request."""
    config, journal = tmp_path / "c.yaml", tmp_path / "j.jsonl"
    config.write_text("""
endpoint: {accessKeySecret: my-secret}
instances: {es-cn-a: {ready_again: true}, es-cn-b: }
faults: [{fault: reset_before_reading}, {fault: reset_after_reading}, {fault: answer_lost_after_start}]
""")
    with served(f"--config={config}", f"--journal={journal}") as ready:
        for _ in range(3):
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                post(ready, query="?clientToken=my-secret")
        assert post(ready)[0] == 200
        assert post(ready, query="?dryRun=true")[0] == 200
        assert post(ready, query="?dryRun=perhaps")[0] == 400
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    nothing = dict.fromkeys(("instanceId", "token", "upgrade", "code"))
    started = {"done": "started", "instanceId": "es-cn-a", "code": None}
    assert [(line["fault"], line["done"]) for line in lines] == [
        ("reset_before_reading", {"done": "nothing", **nothing}),
        ("reset_after_reading", {"done": "nothing", **nothing}),
        ("answer_lost_after_start", {**started, "token": "***", "upgrade": 1}),
        (None, {**started, "token": None, "upgrade": 2}),
        (None, {**nothing, "done": "dry_run", "instanceId": "es-cn-a"}),
        (None, {**nothing, "done": "refused", "code": "InvalidParameter"}),
    ]
    unread = lines[0]
    assert unread.keys() == lines[1].keys()
    assert (unread["request"], unread["response"], unread["ended"]) == (None, None, unread["started"])
    assert unread["started"] <= lines[1]["started"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("ends", ["by itself", "by a signal"])
def test_a_journal_that_takes_no_more_ends_the_service_with_one_line(ends, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("faults: [{fault: endless_body}]\n")
    options = ["--journal=/dev/full", *([f"--config={config}"] if ends == "by a signal" else [])]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        if ends == "by itself":
            assert post(ready)[0] == 200
        else:  # what is under way is written at the end
            with socket.create_connection(("127.0.0.1", int(ready["url"].rpartition(":")[2]))) as waiting:
                waiting.sendall(f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
                assert waiting.recv(1) == b"H"  # so it was read, and its answer does not end
                process.send_signal(signal.SIGTERM)
                process.wait(30)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (4, "")
    assert errors == "es-upgrade: --journal=/dev/full cannot be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize(
    ("to", "why"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")], ids=["full", "closed"]
)
def test_an_output_that_takes_nothing_is_one_line(to, why):
    line = f"{shlex.join(COMMAND)} {to}"
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    told = f"es-upgrade: standard output, which the ready line is for, cannot be written: {why}\n"
    assert (done.returncode, done.stderr) == (4, told)


def test_what_is_under_way_at_the_end_is_in_the_journal_too(tmp_path):
    config, journal = tmp_path / "c.yaml", tmp_path / "j.jsonl"
    config.write_text("faults: [{fault: silence}]\n")
    with served(f"--config={config}", f"--journal={journal}") as ready:
        port = int(ready["url"].rpartition(":")[2])
        waiting = socket.create_connection(("127.0.0.1", port))
        waiting.sendall(f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        # Answered on another connection: what was sent before has been read then.
        assert "InstanceActivating" in post(ready)[1]  # what is never answered was done
    with waiting:
        assert waiting.recv(1) == b""
    exchanges = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert {exchange["request"]["method"] for exchange in exchanges} == {"POST", "GET"}
    assert len(exchanges) == 3


# --- in this process ---


def test_signals_mean_afterwards_what_they_meant_before(monkeypatch, capsys):
    handlers = [signal.getsignal(number) for number in _ENDING]
    threads = threading.active_count()

    later = threading.Timer(0.1, signal.raise_signal, [signal.SIGTERM])

    def told_soon(endpoint):
        later.start()
        return {"url": endpoint.url}

    monkeypatch.setattr("pytest_es_upgrade.cli.serving.ready", told_soon)
    monkeypatch.setattr("pytest_es_upgrade.cli.serving._LOOK", 0.01)
    assert run(["serve"]) == 0
    later.join()
    assert json.loads(capsys.readouterr().out)["url"].startswith("http://127.0.0.1:")
    assert [signal.getsignal(number) for number in _ENDING] == handlers
    assert threading.active_count() <= threads


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a terminal that is closed sends no signal here")
def test_under_nohup_a_closed_terminal_does_not_end_it(monkeypatch):
    told = []

    def closed(_line):
        told.append(signal.getsignal(signal.SIGHUP))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("pytest_es_upgrade.cli.serving._announce", closed)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(["serve"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert told == [signal.SIG_IGN]


#: Steps of the start, each with where it is done; the authority's folder is there from the second on.
STARTING = {
    "trustme is imported": "pytest_es_upgrade.server.tls._trustme",
    "the folder is made": "pytest_es_upgrade.server.tls.tempfile.mkdtemp",
    "the server is made": "pytest_es_upgrade.standin.serve",
    "it is said": "pytest_es_upgrade.cli.serving._announce",
}


@pytest.mark.parametrize("step", STARTING.values(), ids=STARTING)
def test_a_signal_while_it_starts_leaves_nothing_behind(step, monkeypatch, tmp_path):
    forget()  # of earlier tests, so that the authority is made anew
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path, _, name = step.rpartition(".")
    done = getattr(pkgutil.resolve_name(path), name)
    steps = []

    def told_meanwhile(*args, **options):
        result = done(*args, **options)
        steps.append(list(tmp_path.iterdir()))
        signal.raise_signal(signal.SIGTERM)
        return result

    monkeypatch.setattr(step, told_meanwhile)
    assert run(["serve", "--tls=good"]) == 0
    assert [len(there) for there in steps] == [0 if step.endswith("_trustme") else 1]
    assert list(tmp_path.iterdir()) == []


class Full:
    """A text file that takes nothing."""

    def __init__(self, file=None):
        self.closed, self._file = False, file

    def write(self, _text):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        self.closed = True
        if self._file is not None:
            self._file.close()
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("output", "why"), [(None, "it is closed"), (Full(), "No space left on device")])
def test_an_output_that_takes_nothing_is_told(output, why, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", output)
    assert run(["serve"]) == 4
    told = f"es-upgrade: standard output, which the ready line is for, cannot be written: {why}\n"
    assert capsys.readouterr().err == told
    assert output is None or output.closed


def test_a_journal_that_takes_no_more_is_told_at_the_end_but_for_what_went_wrong_before(monkeypatch, tmp_path):
    told = threading.Event()
    with Journal(tmp_path / "j", told.set) as journal:
        journal.write("a")
    assert (tmp_path / "j").read_text() == "a\n"
    assert not told.is_set()
    journal = Journal(tmp_path / "j", told.set)
    monkeypatch.setattr(journal, "_file", Full(journal._file))
    for line in ("a", "b"):
        journal.write(line)
        assert told.is_set()
    with pytest.raises(UsageProblem, match=r"journal=.*j cannot be written: No space left on device"), journal:
        pass
    with pytest.raises(KeyError), journal:
        raise KeyError


def test_a_port_that_somebody_has_is_told(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(["serve", f"--port={port}"]) == 4
    assert capsys.readouterr().err == f"es-upgrade: --port={port} cannot be listened at: Address already in use\n"


def test_tls_without_its_library_says_what_to_install(monkeypatch, capsys):
    forget()
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert run(["serve", "--tls=good"]) == 4
    told = 'es-upgrade: TLS needs trustme; install it with: pip install "pytest-es-upgrade[tls]"\n'
    assert capsys.readouterr().err == told
