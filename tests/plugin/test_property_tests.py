"""The fixtures in tests that Hypothesis runs: every example begins where the test function began."""

from __future__ import annotations

import re
import threading
from importlib import import_module

import pytest

from pytest_es_upgrade.server import shared_loop

# As in conftest: two copies of these in one process do not know each other's classes.
for name in ("requests", "responses", "hypothesis.stateful", "anyio.pytest_plugin", "anyio._backends._asyncio"):
    import_module(name)

HEAD = """
import pytest, requests, clients
from hypothesis import HealthCheck, Phase, example, given, note, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from pytest_es_upgrade import HttpResponse, UpgradeRequest

requests_of_mine = st.builds(UpgradeRequest, st.sampled_from(["es-cn-a", "es-cn-b"]), st.sampled_from([None, "6.7"]))
answers_of_mine = st.sampled_from(["success", "all_passed", "InstanceNotFound"])
JSON = {"Content-Type": "application/json"}

def post(stand_in, request, session=requests):
    url = f"{stand_in.endpoint.url}/openapi/instances/{request.instance_id}/actions/upgrade-version"
    return session.post(url, json={"version": "6.7"}, timeout=5)

"""
#: For runs in this process: no trace of one in the next.
QUICK = """
settings.register_profile("quick", deadline=None, max_examples=30, database=None)
settings.load_profile("quick")
"""


@pytest.fixture
def run(project):
    """Run a test file, in this process or in one of its own."""
    project.pytester.makeconftest(
        "from hypothesis import Phase, settings\n"
        "at_home = settings.get_profile('default')  # where CI is set, Hypothesis keeps and varies nothing\n"
        "settings.register_profile('found', at_home, deadline=None)\n"
        "settings.register_profile('replay', at_home, deadline=None, phases=[Phase.explicit, Phase.reuse])\n"
    )

    def run(text, *args, apart=False):
        project.pytester.makepyfile(test_it=HEAD + ("" if apart else QUICK) + text)
        runpytest = project.pytester.runpytest_subprocess if apart else project.pytester.runpytest_inprocess
        return runpytest("-p", "no:randomly", *args)

    return run


# --- the trap -------------------------------------------------------------------------------------------

FOUR = """
@given(request=requests_of_mine, response=answers_of_mine)
def test_server(request, response, es_upgrade_server):
    es_upgrade_server.reply_with(response)
    assert isinstance(request, UpgradeRequest)
    post(es_upgrade_server, request)
    assert len(es_upgrade_server.journal) == 1

@given(request=requests_of_mine, response=answers_of_mine)
def test_responses(request, response, es_upgrade_responses):
    es_upgrade_responses.reply_with(response)
    post(es_upgrade_responses, request)
    assert len(es_upgrade_responses.journal) == 1

@given(request=requests_of_mine, response=answers_of_mine)
def test_client(request, response, es_upgrade_client, es_upgrade_server):
    es_upgrade_server.reply_with(response)
    es_upgrade_client.call(request)
    assert len(es_upgrade_server.journal) == 1

@given(request=requests_of_mine, response=answers_of_mine)
def test_endpoint_and_sample(request, response, es_upgrade_endpoint, es_upgrade_sample):
    clients.right(es_upgrade_endpoint)(request)

class TestMethods:
    @given(request=requests_of_mine, response=answers_of_mine)
    def test_method(self, request, response, es_upgrade_client):
        es_upgrade_client.call(request)
"""


@pytest.mark.parametrize("options", [[], ["-n2"]], ids=["alone", "xdist"])
def test_no_fixture_meets_the_health_check(run, options):
    named = [f"--es-upgrade-client=clients:{name}" for name in ("right", "forgetful")]
    samples = 3
    run(FOUR, *named, *options).assert_outcomes(passed=2 + 2 + samples + 2)


FOREIGN = """
@pytest.fixture
def theirs(es_upgrade_server):
    return es_upgrade_server

@given(request=requests_of_mine)
def test_it(es_upgrade_server, es_upgrade_client, theirs, request):
    raise AssertionError("not reached")
"""


def test_another_function_scoped_fixture_meets_it_as_ever(run):
    result = run(FOREIGN, "--es-upgrade-client=clients:right")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FailedHealthCheck: 'test_it.py::test_it*' uses a function-scoped fixture 'theirs'."])
    assert "not reached" not in result.stdout.str()


def test_a_fixture_that_overrides_ours_with_something_else_meets_it(run):
    result = run(
        "@pytest.fixture\n"
        "def es_upgrade_server(es_upgrade_server): return [es_upgrade_server]\n"
        "@given(request=requests_of_mine)\n"
        "def test_it(es_upgrade_server, request): pass\n"
    )
    result.stdout.fnmatch_lines(["*FailedHealthCheck: * uses a function-scoped fixture 'es_upgrade_server'."])


def test_a_hypothesis_without_inner_test_says_what_it_always_says(run):
    result = run(
        "@given(request=requests_of_mine)\ndef test_it(es_upgrade_server, request): pass\ndel test_it.hypothesis\n"
    )
    result.stdout.fnmatch_lines(["*FailedHealthCheck: * uses a function-scoped fixture 'es_upgrade_server'."])


def test_the_signature_is_only_disguised_while_hypothesis_looks(run):
    run(
        "import inspect\n"
        "@given(request=requests_of_mine)\n"
        "def test_it(es_upgrade_server, request):\n"
        "    assert list(inspect.signature(test_it).parameters) == ['es_upgrade_server']\n"
        "def test_afterwards():\n"
        "    assert list(inspect.signature(test_it).parameters) == ['es_upgrade_server']\n"
        "    assert not hasattr(test_it.hypothesis.inner_test, '__wrapped__')\n"
    ).assert_outcomes(passed=2)


# --- nothing is left ------------------------------------------------------------------------------------

LEAKS = """
ASKED = UpgradeRequest("es-cn-a", "6.7", "engineVersion", client_token="token")
DEEDS = ["reply", "once", "fault", "connection_fault", "refuse", "instance", "upgrade", "upgrade", "nothing"]

@settings(max_examples=60)
@given(deed=st.sampled_from(DEEDS))
def test_server(deed, es_upgrade_server):
    server = es_upgrade_server
    assert (server.journal, server.upgrades_started, server.script_left) == ((), 0, 0)
    answer = clients.right(server.endpoint)(ASKED)
    assert answer["RequestId"].startswith("00000001-")
    assert server.upgrades_started == 1
    assert server.journal[0].started < 5
    leave(server, deed)

@settings(max_examples=60)
@given(deed=st.sampled_from(DEEDS))
def test_responses(deed, es_upgrade_responses):
    assert (es_upgrade_responses.journal, es_upgrade_responses.upgrades_started) == ((), 0)
    assert (es_upgrade_responses.script_left, len(es_upgrade_responses.mock.calls)) == (0, 0)
    assert len(es_upgrade_responses.mock.registered()) == 0
    assert es_upgrade_responses.mock.passthru_prefixes == ()
    assert post(es_upgrade_responses, ASKED).status_code == 200
    leave(es_upgrade_responses, deed)
    es_upgrade_responses.mock.get("http://other.test/", body="more")
    es_upgrade_responses.mock.add_passthru("http://real.test/")

def leave(stand_in, deed):
    if deed == "reply":
        stand_in.reply_with("InstanceNotFound")
    elif deed == "once":
        stand_in.reply_with("InstanceNotFound", times=1)
    elif deed == "fault":
        stand_in.fail_with("half_body", times=3)
    elif deed == "connection_fault":
        stand_in.fail_with("reset_before_reading")
    elif deed == "refuse":
        stand_in.fail_with("refuse")
    elif deed == "instance":
        stand_in.add_instance("es-cn-other")
    elif deed == "upgrade":
        post(stand_in, UpgradeRequest("es-cn-b"))
"""


def test_nothing_is_left_from_one_example_to_the_next(run):
    run(LEAKS).assert_outcomes(passed=2)


def test_a_client_is_made_anew_and_closed_for_every_example(run):
    run(
        "import clients\n"
        "MADE, CLOSED = [], []\n"
        "class Counting:\n"
        "    def __init__(self, endpoint): MADE.append(self); self.inner = clients.right(endpoint)\n"
        "    def __call__(self, request): return self.inner(request)\n"
        "    def close(self): CLOSED.append(self); self.inner(UpgradeRequest('es-cn-bye'))\n"
        "clients.counting = Counting\n"
        "@given(request=requests_of_mine)\n"
        "def test_it(es_upgrade_client, es_upgrade_server, request):\n"
        "    assert CLOSED == MADE\n"
        "    assert es_upgrade_client.call(request).kind == 'ok'\n"
        "    assert len(MADE) == len(CLOSED) + 1\n"
        "    assert len(es_upgrade_server.journal) == 1\n"
        "def test_afterwards():\n"
        "    assert CLOSED == MADE != []\n",
        "--es-upgrade-client=test_it:Counting",
    ).assert_outcomes(passed=2)


def test_a_hung_call_does_not_disturb_the_next_example(run, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 1.0)
    result = run(
        "import threading, urllib.request\n"
        "RELEASED, ENDED, PORTS = threading.Event(), threading.Event(), []\n"
        "def sometimes(endpoint):\n"
        "    call = clients.right(endpoint)\n"
        "    def ask(request):\n"
        "        answer = call(request)\n"
        "        if request.instance_id == 'es-cn-hang':\n"
        "            RELEASED.wait()\n"
        "            try: call(request)\n"
        "            except OSError: ENDED.set()\n"
        "        return answer\n"
        "    return ask\n"
        "@settings(max_examples=1)\n"
        "@example(UpgradeRequest('es-cn-hang'))\n"
        "@example(UpgradeRequest('es-cn-a'))\n"
        "@example(UpgradeRequest('es-cn-b'))\n"
        "@given(request=st.just(UpgradeRequest('es-cn-a')))\n"
        "def test_it(es_upgrade_client, es_upgrade_server, request):\n"
        "    hangs = request.instance_id == 'es-cn-hang'\n"
        "    PORTS.append(es_upgrade_server.endpoint.port)\n"
        "    assert es_upgrade_client.call(request).kind == ('hung' if hangs else 'ok')\n"
        "    if not hangs:\n"
        "        RELEASED.set()\n"
        "        assert ENDED.wait(5)\n"
        "    (exchange,) = es_upgrade_server.journal\n"
        "    assert request.instance_id in exchange.request.path\n"
        "def test_afterwards():\n"
        "    first, *later = PORTS\n"
        "    assert first not in later and len(set(later)) == 1 and len(later) == 3\n",
        "--es-upgrade-client=test_it:sometimes",
    )
    result.assert_outcomes(passed=2)


def test_one_port_and_one_connection_serve_all_examples(run):
    run(
        "import http.client\n"
        "CONNECTIONS = {}\n"
        "@given(request=requests_of_mine)\n"
        "def test_it(es_upgrade_server, request):\n"
        "    port = es_upgrade_server.endpoint.port\n"
        "    kept = CONNECTIONS.setdefault(port, http.client.HTTPConnection('127.0.0.1', port, timeout=5))\n"
        "    kept.auto_open = not kept.sock and not es_upgrade_server.server.connections\n"
        "    kept.request('POST', f'/openapi/instances/{request.instance_id}/actions/upgrade-version', b'{}', JSON)\n"
        "    assert kept.getresponse().read()\n"
        "    assert len(es_upgrade_server.journal) == 1\n"
        "def test_afterwards():\n"
        "    (kept,) = CONNECTIONS.values()\n"
        "    kept.close()\n"
    ).assert_outcomes(passed=2)


# --- what was set up holds ------------------------------------------------------------------------------

SET_UP = """
@pytest.fixture
def scripted(es_upgrade_server):
    es_upgrade_server.add_instance("es-cn-a")
    es_upgrade_server.fail_with("unavailable_503", times=1)
    assert post(es_upgrade_server, UpgradeRequest("es-cn-a")).status_code == 503
    es_upgrade_server.reply_with("InstanceNotFound", times=1)

@pytest.mark.usefixtures("scripted")
@given(request=st.just(UpgradeRequest("es-cn-a", "6.7")))
def test_fixture(es_upgrade_server, request):
    assert [exchange.response.status for exchange in es_upgrade_server.journal] == [503]
    assert post(es_upgrade_server, request).status_code == 404
    assert post(es_upgrade_server, request).status_code == 200
    assert post(es_upgrade_server, UpgradeRequest("es-cn-b")).status_code == 404
    assert es_upgrade_server.upgrades_started == 1
    since = es_upgrade_server.journal[0].ended
    assert all(since <= exchange.started for exchange in es_upgrade_server.journal[1:])

@pytest.fixture
def refusing(es_upgrade_server):
    es_upgrade_server.fail_with("refuse")

@given(request=requests_of_mine)
@pytest.mark.usefixtures("refusing")
def test_refusing(es_upgrade_server, request):
    with pytest.raises(requests.ConnectionError):
        post(es_upgrade_server, request)

@pytest.fixture
def mocked(es_upgrade_responses):
    es_upgrade_responses.mock.get("http://other.test/", body="one")
    es_upgrade_responses.mock.get("http://other.test/", body="two")
    es_upgrade_responses.mock.get("http://other.test/", body="three")
    assert requests.get("http://other.test/", timeout=1).text == "one"

@pytest.mark.usefixtures("mocked")
@given(request=requests_of_mine)
def test_mock(es_upgrade_responses, request):
    assert len(es_upgrade_responses.mock.calls) == 1
    assert [requests.get("http://other.test/", timeout=1).text for _ in range(3)] == ["two", "three", "three"]
    assert [one.call_count for one in es_upgrade_responses.mock.registered()] == [2]

import unittest

class TestSetUp(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _server(self, es_upgrade_server):
        self.server = es_upgrade_server

    def setUp(self):
        self.server.reply_with("InstanceNotFound", times=1)

    @given(request=requests_of_mine)
    def test_method(self, request):
        assert post(self.server, request).status_code == 404
        assert post(self.server, request).status_code == 200

class TestSetUpExample:
    @pytest.fixture(autouse=True)
    def _server(self, es_upgrade_server):
        self.server = es_upgrade_server

    def setup_example(self):
        self.server.reply_with("InstanceNotFound", times=1)

    @given(request=requests_of_mine)
    def test_method(self, request):
        assert self.server.script_left == 1
        assert post(self.server, request).status_code == 404
        assert post(self.server, request).status_code == 200
        self.server.reply_with("InstanceNotFound", times=2)
"""


def test_what_fixtures_and_set_up_have_scripted_holds_in_every_example(run):
    run(SET_UP).assert_outcomes(passed=5)


ASKED_FOR_LATER = """
@pytest.fixture
def lent(request):
    return request.getfixturevalue("es_upgrade_server")

@given(asked=requests_of_mine)
def test_in_the_body(request, asked):
    server = request.getfixturevalue("es_upgrade_server")
    assert post(server, asked).status_code == 200
    assert len(server.journal) == 1

@pytest.mark.usefixtures("lent")
@given(asked=requests_of_mine)
def test_in_a_fixture(es_upgrade_server, asked):
    assert post(es_upgrade_server, asked).status_code == 200
    assert len(es_upgrade_server.journal) == 1

@given(asked=requests_of_mine)
def test_none_at_all(request, asked):
    pass
"""


def test_fixtures_that_are_asked_for_by_getfixturevalue(run):
    run(ASKED_FOR_LATER).assert_outcomes(passed=3)


def test_a_coroutine_that_another_plugin_runs(run):
    run(
        "@pytest.fixture\n"
        "def anyio_backend(): return 'asyncio'\n"
        "@pytest.mark.anyio\n"
        "@given(asked=requests_of_mine)\n"
        "async def test_it(es_upgrade_server, asked):\n"
        "    assert post(es_upgrade_server, asked).status_code == 200\n"
        "    assert len(es_upgrade_server.journal) == 1\n"
    ).assert_outcomes(passed=1)


STATEFUL = """
def test_machine(es_upgrade_server, es_upgrade_responses, es_upgrade_client):
    es_upgrade_server.add_instance("es-cn-a")
    RUNS = []

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            for one in (es_upgrade_client, es_upgrade_server, es_upgrade_responses):
                one.reset()
            self.calls = 0
            RUNS.append(self)

        @rule(request=requests_of_mine)
        def call(self, request):
            es_upgrade_client.call(request)
            post(es_upgrade_responses, request)
            self.calls += 1
            assert len(es_upgrade_server.journal) == len(es_upgrade_responses.journal) == self.calls
            assert es_upgrade_server.upgrades_started <= 1

    run_state_machine_as_test(Machine, settings=settings(max_examples=5, stateful_step_count=5))
    assert len(RUNS) > 1
"""


def test_a_state_machine_resets_by_itself(run):
    result = run(STATEFUL, "--es-upgrade-client=clients:right")
    result.assert_outcomes(failed=1)
    # What the test function itself had said since it began is gone, too.
    result = run(
        STATEFUL.replace('    es_upgrade_server.add_instance("es-cn-a")\n', "").replace("<= 1", "<= 2"),
        "--es-upgrade-client=clients:right",
    )
    result.assert_outcomes(passed=1)


# --- Hypothesis as its users know it --------------------------------------------------------------------

FALSIFIED = """
@given(request=st.builds(UpgradeRequest, st.just("es-cn-a"), dry_run=st.booleans()), number=st.integers())
def test_it(es_upgrade_client, es_upgrade_server, request, number):
    print("tried", number)
    es_upgrade_client.call(request)
    (exchange,) = es_upgrade_server.journal
    assert number < 1000 or not request.dry_run or "dryRun=true" in exchange.request.target
"""


def falsifying(result):
    """The call that Hypothesis shows, without the addresses of objects."""
    (shown,) = re.findall(
        r"^E +(?:Failing test case|Falsifying example): (.*?\n)E +\)$", result.stdout.str(), re.MULTILINE | re.DOTALL
    )
    return re.sub(r"<pytest_es_upgrade.*?>|^E +", "", shown, flags=re.MULTILINE)


@pytest.mark.highest
def test_reports_and_replay_are_hypothesis_own(run):
    named = [f"--es-upgrade-client=clients:{name}" for name in ("right", "forgetful")]
    found = run(FALSIFIED, *named, "--hypothesis-profile=found", apart=True)
    found.assert_outcomes(passed=1, failed=1)
    example = falsifying(found)
    assert example.startswith("test_it(")
    assert "request=UpgradeRequest('es-cn-a', dry_run=True)" in example
    assert "number=1000" in example
    assert "examples.py" not in found.stdout.str()
    for _ in range(2):  # the other client, which has found nothing, neither tries nor forgets it
        replayed = run(FALSIFIED, *named, "--hypothesis-profile=replay", apart=True)
        replayed.assert_outcomes(skipped=1, failed=1)
        assert falsifying(replayed) == example


def test_a_seed_gives_the_same_examples(run):
    def tried(seed):
        args = "--es-upgrade-client=clients:right", "--hypothesis-profile=found", f"--hypothesis-seed={seed}", "-s"
        result = run(FALSIFIED, *args, apart=True)
        return re.findall(r"tried (-?\d+)", result.stdout.str())

    assert tried(1) == tried(1) != tried(2)


def test_settings_given_to_a_test_stay(run):
    run(
        "TRIED = []\n"
        "@settings(max_examples=7, suppress_health_check=[HealthCheck.too_slow])\n"
        "@given(number=st.integers())\n"
        "def test_it(es_upgrade_server, number): TRIED.append(number)\n"
        "def test_afterwards(): assert len(TRIED) == 7\n"
    ).assert_outcomes(passed=2)


def test_no_server_is_left(run):
    servers, threads = set(shared_loop().servers), set(threading.enumerate())
    run(LEAKS + SET_UP + FOUR, "--es-upgrade-client=clients:right")
    assert shared_loop().servers <= servers
    assert {thread for thread in threading.enumerate() if thread.name != "es-upgrade-server"} <= threads
