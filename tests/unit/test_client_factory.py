"""Factory, calls and close share one thread and one loop; whatever client code does ends as an outcome."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import threading
from pathlib import Path

import pytest

from pytest_es_upgrade.client.factory import FactoryClient, told
from pytest_es_upgrade.errors import AdapterFault, ClientHung
from pytest_es_upgrade.messages import Endpoint, Outcome, UpgradeRequest

ENDPOINT = Endpoint("http://127.0.0.1:1")
REQUEST = UpgradeRequest("es-cn-1")
ANSWER = {"RequestId": "r", "Result": []}


def plenty():
    return 20.0


@pytest.fixture(autouse=True)
def no_thread_left():
    before = set(threading.enumerate())
    yield
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def opened(factory, deadline=plenty):
    return FactoryClient("mine", "mod:factory", factory).open(ENDPOINT, deadline)


class Shots:
    """A deadline that has run out once an event is set, and no sooner."""

    def __init__(self):
        self.over = threading.Event()
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return 0.0 if self.over.is_set() else 0.01


def sync_factory(endpoint):
    assert endpoint is ENDPOINT

    def call(request):
        assert request == REQUEST
        return ANSWER

    return call


async def async_factory(endpoint):
    async def call(request):
        await asyncio.sleep(0)
        return ANSWER

    return call


def factory_of_async(endpoint):
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()

    async def call(request):
        return ANSWER

    return call


async def async_factory_of_plain(endpoint):
    return lambda request: asyncio.ensure_future(asyncio.sleep(0, ANSWER))


class Callable:
    def __init__(self, endpoint):
        pass

    async def __call__(self, request):
        return ANSWER


class Awaitable:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return ANSWER


def factory_of_awaitables(endpoint):
    return lambda request: Awaitable()


async def partial_factory(endpoint):
    async def call(extra, request):
        return ANSWER

    return functools.partial(call, 1)


FACTORIES = [
    sync_factory,
    async_factory,
    factory_of_async,
    async_factory_of_plain,
    Callable,
    factory_of_awaitables,
    partial_factory,
]


@pytest.mark.parametrize("factory", FACTORIES)
def test_every_kind_of_client_is_called(factory):
    client = opened(factory)
    assert client.call(REQUEST, plenty) == Outcome("ok", result=ANSWER, answer=ANSWER)
    assert client.call_together([REQUEST] * 3, plenty) == [Outcome("ok", result=ANSWER, answer=ANSWER)] * 3
    client.close(plenty)
    assert client.close_error is None
    assert client.changed_requests == []


def test_the_result_is_what_was_returned_untouched():
    result = object()
    client = opened(lambda endpoint: lambda request: result)
    assert client.call(REQUEST, plenty).result is result
    client.close(plenty)


def test_one_thread_that_is_not_the_main_one_and_one_loop():
    seen, loops = [], []

    def note():
        seen.append(threading.current_thread())
        loops.append(asyncio.get_running_loop())

    async def factory(endpoint):
        note()

        async def call(request):
            note()

        async def aclose():
            note()

        call.aclose = aclose
        call.close = None  # `aclose` goes first
        return call

    client = opened(factory)
    client.call(REQUEST, plenty)
    client.call_together([REQUEST, REQUEST], plenty)
    client.close(plenty)
    assert len(seen) == 5
    assert len(set(seen)) == 1
    assert seen[0] is not threading.main_thread()
    assert seen[0].daemon
    assert len({id(loop) for loop in loops}) == 1
    assert loops[0].is_closed()


def test_plain_calls_together_run_in_threads_of_their_own_at_the_same_time():
    meeting = threading.Barrier(4)
    threads = set()

    def call(request):
        threads.add(threading.get_ident())
        meeting.wait(20)
        return {"RequestId": request.instance_id}

    client = opened(lambda endpoint: call)
    outcomes = client.call_together([UpgradeRequest(str(number)) for number in range(4)], plenty)
    client.close(plenty)
    assert [outcome.answer["RequestId"] for outcome in outcomes] == ["0", "1", "2", "3"]
    assert len(threads) == 4


def test_async_calls_together_are_tasks_that_meet():
    arrived = []

    async def factory(endpoint):
        all_here = asyncio.Event()

        async def call(request):
            arrived.append(request)
            if len(arrived) == 4:
                all_here.set()
            await all_here.wait()
            return ANSWER

        return call

    client = opened(factory)
    outcomes = client.call_together([REQUEST] * 4, plenty)
    client.close(plenty)
    assert [outcome.kind for outcome in outcomes] == ["ok"] * 4


RAISED = [
    ValueError("x"),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    StopIteration(),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_whatever_is_raised_is_an_outcome(raised):
    def call(request):
        raise raised

    client = opened(lambda endpoint: call)
    outcomes = [client.call(REQUEST, plenty), *client.call_together([REQUEST, REQUEST], plenty)]
    client.close(plenty)
    assert [outcome.kind for outcome in outcomes] == ["failed"] * 3
    assert {outcome.error.type for outcome in outcomes} == {type(raised).__name__}


@pytest.mark.parametrize("raised", RAISED[:-1], ids=lambda raised: type(raised).__name__)
def test_whatever_is_raised_in_a_task_is_an_outcome(raised):
    async def call(request):
        raise raised

    async def factory(endpoint):
        return call

    client = opened(factory)
    outcomes = [client.call(REQUEST, plenty), *client.call_together([REQUEST, REQUEST], plenty)]
    client.close(plenty)
    assert {(outcome.kind, outcome.error.type) for outcome in outcomes} == {("failed", type(raised).__name__)}


def test_an_error_that_is_returned_is_in_the_outcome():
    client = opened(lambda endpoint: lambda request: {"Code": "InstanceNotFound"})
    outcome = client.call(REQUEST, plenty)
    client.close(plenty)
    assert (outcome.kind, outcome.answer, outcome.error.code) == ("ok", None, "InstanceNotFound")


def raising(endpoint):
    raise ValueError("two\nlines")


def exiting(endpoint):
    raise SystemExit


async def async_raising(endpoint):
    raise ValueError("later")


def without_arguments():
    return print


FAULTS = {
    "raises": (raising, "adapter.factory", "the factory mod:factory raised ValueError: two lines"),
    "exits": (exiting, "adapter.factory", "the factory mod:factory raised SystemExit"),
    "raises later": (async_raising, "adapter.factory", "the factory mod:factory raised ValueError: later"),
    "signature": (without_arguments, "adapter.factory", "takes one argument, the Endpoint, and not ()"),
    "None": (lambda endpoint: None, "adapter.callable", "returned None, expected a callable"),
    "number": (lambda endpoint: 7, "adapter.callable", "returned 7 (int), expected a callable"),
}


@pytest.mark.parametrize(("factory", "rule", "text"), FAULTS.values(), ids=FAULTS)
def test_a_broken_factory_is_the_adapter_s_fault(factory, rule, text):
    with pytest.raises(AdapterFault) as caught:
        opened(factory)
    assert caught.value.rule == rule
    assert text in str(caught.value)


def test_a_hanging_factory_is_left_behind():
    release = threading.Event()
    deadline = Shots()

    def factory(endpoint):
        deadline.over.set()
        release.wait(20)

    with pytest.raises(ClientHung, match="mod:factory"):
        opened(factory, deadline)
    release.set()


def test_a_hanging_call_is_abandoned_and_stays_hung():
    release = threading.Event()
    deadline = Shots()

    def call(request):
        deadline.over.set()
        release.wait(20)

    call.close = pytest.fail
    client = opened(lambda endpoint: call)
    assert client.call(REQUEST, deadline) == Outcome("hung")
    assert client.call(REQUEST, plenty) == Outcome("hung")
    assert client.call_together([REQUEST, REQUEST], plenty) == [Outcome("hung")] * 2
    client.close(plenty)
    assert client.close_error is None
    release.set()


def test_a_hanging_task_is_cancelled():
    deadline = Shots()
    ended = threading.Event()

    def factory(endpoint):
        async def call(request):
            deadline.over.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        return call

    client = opened(factory)
    assert client.call(REQUEST, deadline) == Outcome("hung")
    assert ended.wait(20)


def test_of_calls_together_those_that_ended_are_told():
    release = threading.Event()
    deadline = Shots()
    hanging = threading.Barrier(2)

    def call(request):
        hanging.wait(20)
        if request.version:
            release.wait(20)
        return ANSWER

    client = opened(lambda endpoint: call)

    def patience():
        if deadline.asked > 20:
            deadline.over.set()
        return deadline()

    outcomes = client.call_together([REQUEST, UpgradeRequest("x", version="6.7")], patience)
    assert [outcome.kind for outcome in outcomes] == ["ok", "hung"]
    release.set()


def test_a_deadline_that_grows_is_asked_again():
    asked = []

    def deadline():
        asked.append(None)
        if len(asked) == 3:
            answered.set()
        return 0.001

    answered = threading.Event()
    client = opened(lambda endpoint: lambda request: answered.wait(20))
    assert client.call(REQUEST, deadline).result is True
    client.close(plenty)
    assert len(asked) >= 3


def test_ctrl_c_while_waiting_gets_through():
    release = threading.Event()

    def interrupted():
        raise KeyboardInterrupt

    client = opened(lambda endpoint: lambda request: release.wait(20))
    with pytest.raises(KeyboardInterrupt):
        client.call(REQUEST, interrupted)
    assert client.call(REQUEST, plenty).kind == "hung"
    release.set()


def closing(close=None, aclose=None):
    def factory(endpoint):
        def call(request):
            return ANSWER

        call.close, call.aclose = close, aclose
        return call

    return factory


def test_errors_on_closing_are_remembered():
    async def aclose():
        raise SystemExit("later")

    def close():
        raise ValueError("now")

    for factory, error in ((closing(close), "ValueError: now"), (closing(close, aclose), "SystemExit: later")):
        client = opened(factory)
        client.close(plenty)
        assert client.close_error == error
        client.close(plenty)
        assert client.call(REQUEST, plenty) == Outcome("hung")
        assert client.call_together([REQUEST], plenty) == [Outcome("hung")]


def test_a_close_that_hangs_is_left_behind():
    release = threading.Event()
    deadline = Shots()

    def close():
        deadline.over.set()
        release.wait(20)

    client = opened(closing(close))
    client.close(deadline)
    assert client.close_error == "TimeoutError: closing did not end in time"
    release.set()


def test_a_loop_that_does_not_shut_down_is_left_behind():
    release = threading.Event()
    deadline = Shots()

    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            deadline.over.set()
            release.wait(20)

    def factory(endpoint):
        async def call(request):
            call.task = asyncio.ensure_future(stubborn())
            await asyncio.sleep(0)

        return call

    client = opened(factory)
    client.call(REQUEST, plenty)
    client.close(deadline)
    assert client.close_error == "TimeoutError: closing did not end in time"
    release.set()


def test_what_is_left_in_the_loop_is_ended():
    ended = []

    async def background():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            ended.append("generator")

    def factory(endpoint):
        async def call(request):
            call.task = asyncio.ensure_future(background())
            call.generator = numbers()
            await call.generator.__anext__()
            await asyncio.get_running_loop().run_in_executor(None, int)

        return call

    client = opened(factory)
    client.call(REQUEST, plenty)
    client.close(plenty)
    assert client.close_error is None
    assert sorted(ended) == ["generator", "task"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its own coroutines are never ended
def test_a_client_that_stops_the_loop_harms_itself_alone():
    def factory(endpoint):
        async def call(request):
            asyncio.get_running_loop().stop()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        return call

    client = opened(factory)
    assert client.call(REQUEST, plenty).error.type == "RuntimeError"
    assert {outcome.error.type for outcome in client.call_together([REQUEST, REQUEST], plenty)} == {"RuntimeError"}
    client.close(plenty)
    assert client.close_error is None
    gc.collect()  # here, and not in the middle of another test


def test_a_client_that_closes_the_loop_harms_itself_alone():
    loops = []

    class Noting:
        def __await__(self):
            loops.append(asyncio.get_running_loop())
            return iter(())

    def call(request):
        for loop in loops:
            loop.close()
        return Noting()

    client = opened(lambda endpoint: call)
    assert client.call(REQUEST, plenty).kind == "ok"
    assert client.call(REQUEST, plenty).error.type == "RuntimeError"
    client.close(plenty)
    assert client.close_error is None


def test_a_thread_that_comes_back_after_its_case_does_no_harm():
    release, back = threading.Event(), threading.Event()
    deadline = Shots()

    def call(request):
        deadline.over.set()
        release.wait(20)
        back.set()

    client = opened(lambda endpoint: call)
    outcomes = client.call_together([REQUEST], deadline)
    assert outcomes == [Outcome("hung")]
    client._thread._thread.join(20)
    release.set()
    assert back.wait(20)


def test_a_future_that_was_cancelled_takes_no_late_result():
    from pytest_es_upgrade.client.threads import Ended, _deliver

    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.cancel()
    _deliver(future, Ended())
    assert future.cancelled()
    loop.close()


def test_a_changed_request_is_noticed_and_the_caller_s_is_not_changed():
    def call(request):
        object.__setattr__(request, "version", "changed")
        request.type.append("more")

    client = opened(lambda endpoint: call)
    request = UpgradeRequest("x", version="6.7", type=["list"])
    client.call(request, plenty)
    client.close(plenty)
    assert request.version == "6.7"
    (change,) = client.changed_requests
    assert "'6.7'" in change.partition(" became ")[0]
    assert "'changed'" in change.partition(" became ")[2]


def test_the_working_directory_is_restored(tmp_path):
    before = Path.cwd()
    client = opened(lambda endpoint: lambda request: os.chdir(tmp_path))
    assert client.call(REQUEST, plenty).kind == "ok"
    assert Path.cwd() == before
    client.call_together([REQUEST], plenty)
    assert Path.cwd() == before
    client.close(plenty)


def test_a_client_says_what_it_is():
    assert repr(FactoryClient("mine", "mod:factory", print)) == "FactoryClient('mine', 'mod:factory')"
    assert told(ValueError("x" * 1000)) == "ValueError: " + "x" * 300
