"""What a client does on the side: sockets that leave the machine, variables, words."""

from __future__ import annotations

import io
import logging
import os
import socket
import subprocess
import sys
import threading
import types

import pytest

from pytest_es_upgrade.client import loopback
from pytest_es_upgrade.client.environment import clean_environment, cleaned
from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.client.loopback import Attempt, LeftLoopbackError, LookupLeftLoopbackError, guard
from pytest_es_upgrade.client.said import Said, said
from pytest_es_upgrade.messages import Endpoint, UpgradeRequest

ENDPOINT = Endpoint("http://127.0.0.1:1")
#: Addresses and names set aside for documentation: nobody is there, should a guard ever fail.
FAR, FAR_6, FAR_NAME = "192.0.2.1", "2001:db8::1", "elasticsearch.invalid"


def tcp(family=socket.AF_INET):
    return socket.socket(family, socket.SOCK_STREAM)


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def connect(address, family=socket.AF_INET):
    with tcp(family) as one:
        one.settimeout(5)
        one.connect(address)


def send(method):
    with udp() as one:
        getattr(one, method)(*(([b"x"], [], 0, (FAR, 9)) if method == "sendmsg" else (b"x", (FAR, 9))))


LEAVING = {
    "connect": (lambda: connect((FAR, 443)), f"{FAR}:443"),
    "connect_ex": (lambda: tcp_connect_ex((FAR, 443)), f"{FAR}:443"),
    "IPv6": (lambda: connect((FAR_6, 443, 0, 0), socket.AF_INET6), f"{FAR_6}:443"),
    "mapped": (lambda: connect((f"::ffff:{FAR}", 443), socket.AF_INET6), f"::ffff:{FAR}:443"),
    "sendto": (lambda: send("sendto"), f"{FAR}:9"),
    "sendmsg": (lambda: send("sendmsg"), f"{FAR}:9"),
    "getaddrinfo": (lambda: socket.getaddrinfo(FAR_NAME, "443"), f"{FAR_NAME}:443"),
    "getaddrinfo of a service": (lambda: socket.getaddrinfo(FAR_NAME, "https"), FAR_NAME),
    "getaddrinfo of bytes": (lambda: socket.getaddrinfo(FAR_NAME.encode(), 443), f"{FAR_NAME}:443"),
    "gethostbyname": (lambda: socket.gethostbyname(FAR_NAME), FAR_NAME),
    "gethostbyaddr": (lambda: socket.gethostbyaddr(FAR), FAR),
    "getnameinfo": (lambda: socket.getnameinfo((FAR, 443), 0), FAR),
    "create_connection": (lambda: socket.create_connection((FAR_NAME, 443), 5), f"{FAR_NAME}:443"),
}


def tcp_connect_ex(address):
    with tcp() as one:
        one.connect_ex(address)


@pytest.mark.parametrize(("attempt", "shown"), LEAVING.values(), ids=LEAVING)
def test_whatever_leaves_loopback_is_refused_and_written_down(attempt, shown):
    with guard() as attempts, pytest.raises(OSError, match="is not loopback") as caught:
        attempt()
    assert isinstance(caught.value, (LeftLoopbackError, LookupLeftLoopbackError))
    assert shown in str(caught.value)
    assert [str(one) for one in attempts] == [shown]


def test_loopback_works_as_ever():
    with guard() as attempts, tcp() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "0.0.0.0"):
            socket.create_connection((host, port), 5).close()
        with udp() as one:
            one.sendto(b"x", ("127.0.0.1", port))
            one.connect(("127.0.0.2", port))
            one.sendmsg([b"x"])
        socket.getaddrinfo(None, port)
        socket.getaddrinfo(FAR, port, flags=socket.AI_NUMERICHOST)
        socket.gethostbyname("localhost")
        socket.gethostbyname("127.1")
        socket.getnameinfo(("127.0.0.1", port), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
        left, right = socket.socketpair()
        left.close()
        right.close()
    assert attempts == []


INET, INET6 = types.SimpleNamespace(family=socket.AF_INET), types.SimpleNamespace(family=socket.AF_INET6)

STAYING = [
    ("socket.connect", (INET6, ("::1", 80, 0, 0))),
    ("socket.connect", (INET6, ("::1%lo", 80, 0, 0))),
    ("socket.connect", (INET6, ("::ffff:127.0.0.1", 80))),
    ("socket.connect", (INET6, ("::", 80))),
    ("socket.connect", (INET, ("", 80))),
    ("socket.connect", (types.SimpleNamespace(family=-1), "/a/unix/socket")),
    ("socket.connect", (object(), (FAR, 80))),
    ("socket.sendmsg", (INET, None)),
    ("socket.getaddrinfo", ("LOCALHOST.", 80)),
    ("socket.getaddrinfo", ("api.localhost", None)),
    ("socket.getaddrinfo", (socket.gethostname(), 80)),
    ("socket.getaddrinfo", (FAR_6, 80)),
    ("socket.gethostbyaddr", ("127.0.0.1",)),
    ("open", ("file",)),
]

# The hook runs out of sight of coverage, which is why it is called by hand here.
LEFT = [
    ("socket.connect", (INET, (FAR, 80)), Attempt(FAR, 80, "socket.connect")),
    ("socket.connect", (INET, (FAR,)), Attempt(FAR, None, "socket.connect")),
    ("socket.connect", (INET, (FAR_NAME, 80)), Attempt(FAR_NAME, 80, "socket.connect")),
    ("socket.getaddrinfo", (bytearray(b"a.invalid"), b"80"), Attempt("a.invalid", 80, "socket.getaddrinfo")),
    ("socket.getnameinfo", ((FAR, 80),), Attempt(FAR, None, "socket.getnameinfo")),
]


@pytest.mark.parametrize(("event", "given"), STAYING)
def test_what_stays_here_is_let_through(event, given):
    with guard() as attempts:
        loopback._hook(event, given)
    assert attempts == []


@pytest.mark.parametrize(("event", "given", "attempt"), LEFT)
def test_what_leaves_is_told_as_it_was_given(event, given, attempt):
    with guard() as attempts, pytest.raises(OSError, match="is not loopback"):
        loopback._hook(event, given)
    assert attempts == [attempt]


def test_without_a_guard_nothing_changes():
    with guard():
        pass
    loopback._hook("socket.connect", (INET, (FAR, 80)))
    assert loopback.current() is None


def test_guards_nest_and_the_innermost_counts():
    with guard() as outer:
        with guard() as inner:
            assert loopback.current() is inner
            with pytest.raises(LeftLoopbackError):
                connect((FAR, 1))
        assert loopback.current() is outer
    assert (len(outer), len(inner)) == (0, 1)


def test_other_threads_count_for_the_innermost_guard():
    def attempt():
        with pytest.raises(LeftLoopbackError):
            connect((FAR, 1))

    with guard() as attempts:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert len(attempts) == 1


def test_a_client_that_was_abandoned_blames_no_later_case_and_stays_here():
    over, release, ended = (threading.Event() for _ in range(3))
    errors = []

    def call(request):
        over.set()
        for _ in range(2):
            release.wait(20)
            release.clear()
            try:
                connect((FAR, 1))
            except OSError as error:
                errors.append(type(error))
            ended.set()

    def deadline():
        return 0.0 if over.is_set() else 0.01

    def go_on():
        ended.clear()
        release.set()
        assert ended.wait(20)

    with guard() as first:
        client = FactoryClient("mine", "mod:factory", lambda endpoint: call).open(ENDPOINT, lambda: 20.0)
        assert client.call(UpgradeRequest("x"), deadline).kind == "hung"
    with guard() as second:
        go_on()
    go_on()
    client._thread._thread.join(20)
    assert errors == [LeftLoopbackError] * 2
    assert (len(first), len(second)) == (2, 0)


def test_a_client_s_attempt_reaches_its_guard_and_its_outcome():
    factory = FactoryClient("mine", "mod:factory", lambda endpoint: lambda request: connect((FAR, 443)))
    with guard() as attempts:
        client = factory.open(ENDPOINT, lambda: 20.0)
        outcomes = [
            client.call(UpgradeRequest("x"), lambda: 20.0),
            *client.call_together([UpgradeRequest("x")], lambda: 20.0),
        ]
        client.close(lambda: 20.0)
    assert [outcome.error.type for outcome in outcomes] == ["LeftLoopbackError"] * 2
    assert list(map(str, attempts)) == [f"{FAR}:443"] * 2


TAKEN = {
    "HTTP_PROXY": "1",
    "https_proxy": "2",
    "All_Proxy": "3",
    "NO_PROXY": "",
    "ftp_proxy": "4",
    "REQUESTS_CA_BUNDLE": "5",
    "CURL_CA_BUNDLE": "6",
    "SSL_CERT_FILE": "7",
    "SSL_CERT_DIR": "8",
    "NODE_EXTRA_CA_CERTS": "9",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "a",
    "ALIYUN_KEY": "b",
    "ALICLOUD_REGION": "c",
}
KEPT = {"PATH": "p", "PROXY": "p", "PROXY_HOST": "p", "MY_ALIBABA": "p", "SSL_CERT_FILES": "p"}


def test_a_child_s_environment_is_cleaned():
    assert cleaned({**TAKEN, **KEPT}) == KEPT


def test_variables_are_taken_away_and_put_back(monkeypatch):
    for name in cleaned(os.environ).keys() ^ os.environ.keys():
        monkeypatch.delenv(name)
    for name, value in TAKEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEPT_AS_IT_IS", "1")
    before = dict(os.environ)
    with clean_environment():
        assert not TAKEN.keys() & os.environ.keys()
        assert os.environ["KEPT_AS_IT_IS"] == "1"
        os.environ["HTTP_PROXY"] = "changed"
        os.environ["SOCKS_PROXY"] = "new"
    assert dict(os.environ) == before


def test_what_is_printed_and_logged_is_recorded_and_passed_on(capsys):
    quiet = logging.getLogger("es_upgrade_tests.quiet")
    quiet.propagate = False
    own = io.StringIO()
    handler = logging.StreamHandler(own)
    quiet.addHandler(handler)
    streams = (sys.stdout, sys.stderr)
    with said() as recording:
        sys.stdout.write("to stdout\n")
        sys.stderr.writelines(["to ", "stderr\n"])
        logging.getLogger("es_upgrade_tests").error("to %s", "a logger")
        quiet.error("kept to %s", "itself")
        assert not sys.stdout.closed
        held = sys.stdout
    quiet.removeHandler(handler)
    quiet.propagate = True
    held.write("later\n")
    logging.getLogger("es_upgrade_tests").error("later")
    assert (sys.stdout, sys.stderr) == streams
    assert recording.text == "to stdout\nto stderr\nto a logger\nkept to itself\n"
    assert own.getvalue() == "kept to itself\n"
    assert capsys.readouterr().out == "to stdout\nlater\n"


def test_a_traceback_is_among_the_words():
    with said() as recording:
        logging.getLogger("es_upgrade_tests").error("failed", exc_info=ValueError("secret words"))
    assert "secret words" in recording.text


@pytest.mark.parametrize("message", ["%d of it", 7])
def test_a_record_that_cannot_be_formatted_does_no_harm(message):
    recording = Said()
    from pytest_es_upgrade.client.said import _Handler

    handler = _Handler(recording)
    handler.handle(logging.makeLogRecord({"msg": message, "args": ("secret",)}))
    assert recording.text == ("%d of it ('secret',)\n" if message != 7 else "\n")


def test_a_stream_that_the_client_put_there_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    theirs = io.StringIO()
    with said():
        sys.stdout = theirs
    assert sys.stdout is theirs


def test_without_a_stream_there_is_still_a_recording(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with said() as recording:
        assert sys.stdout.write("word") == 4
    assert recording.text == "word"


def test_endless_words_are_cut(monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.client.said._LONGEST", 10)
    recording = Said()
    for _ in range(5):
        recording.add("12345678")
    assert recording.text == "1234567812"


def test_the_hook_is_added_with_the_first_guard_alone():
    code = (
        "import sys; added = []; add = sys.addaudithook;"
        "sys.addaudithook = lambda hook: (added.append(hook), add(hook));"
        "from pytest_es_upgrade.client.loopback import guard;"
        "assert added == [], added;"
        "exec('for _ in range(3):\\n    with guard(): pass');"
        "assert len(added) == 1, added"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
