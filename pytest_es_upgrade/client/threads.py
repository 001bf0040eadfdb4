"""One daemon thread for all that a client does in a case, and one event loop in it.

The rules of this module: client code never runs in the caller's thread; whatever it raises, be it
`SystemExit`, ends there as a value; the caller waits only as long as its deadline says, and leaves a
thread that does not come back to itself. The loop is made when something awaitable first turns up, so
that plain code never meets a running one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import CORO_CREATED, getcoroutinestate, isawaitable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import loopback
from .shapes import safely

if TYPE_CHECKING:
    from ..stage import Deadline

T = TypeVar("T")
Work = Callable[[], Any]
Read = Callable[["Ended"], T]

#: Seconds after which a deadline is asked again: it grows while the service is still answering, and
#: shrinks when the answer is whole.
_ASK_AGAIN = 0.25


@dataclass(frozen=True)
class Ended:
    """How a piece of client code ended: with a value, or with what it raised."""

    value: Any = None
    raised: BaseException | None = None


def started(live: Work, name: str) -> threading.Thread:
    """A daemon thread that has come as far as `live()`.

    Under coverage or a debugger each new thread begins by installing its trace function. Beside an audit hook, as
    ours is, CPython 3.11 refuses that while another thread is at it, and the new thread ends before it has begun:
    so they begin one at a time, and one that did not is started anew.
    """
    begun = threading.Event()

    def begin() -> None:
        begun.set()
        live()

    while not begun.is_set():
        thread = threading.Thread(target=begin, name=name, daemon=True)
        thread.start()
        while thread.is_alive() and not begun.is_set():
            begun.wait(_ASK_AGAIN)
    return thread


class CaseThread:
    """The thread that a case's client lives in. Ends by `end`, or by `abandon` when it hangs."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's, as debuggers show it."""
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner = loopback.current()
        self.abandoned = False
        self._thread = started(self._live, name)

    def do(self, work: Work, read: Read[T], deadline: Deadline, *, on_loop: bool = False) -> T | None:
        """What `read` makes of the end of `work()`, awaited where it gives an awaitable; None where it hung.

        `read` runs in the thread as well, for what it reads is foreign. `on_loop` runs `work` itself
        within the event loop, too. A thread in which something hung is abandoned; nothing more can be
        done in it.
        """
        return self._finish(_Job(lambda: read(self._settled(work, on_loop=on_loop))), deadline)

    def do_together(
        self, works: Sequence[Work], read: Read[T], deadline: Deadline, *, on_loop: bool = False
    ) -> list[T | None]:
        """The same for several at once: in threads of their own, awaiting on the one loop; or all on it."""
        made: list[T | None] = [None] * len(works)
        ended = self._finish(_Job(lambda: self._run(self._all(works, read, made, on_loop=on_loop))), deadline)
        # Where a client has stopped the loop under them, they all ended by that.
        return [read(ended) if one is None and ended is not None else one for one in list(made)]

    def end(self, work: Work, deadline: Deadline) -> BaseException | None:
        """A last piece of work, then the loop is shut down and the thread ends; what went wrong, if anything."""
        job = _Job(lambda: self._ended_by(work))
        ended = self._finish(job, deadline)
        if ended is None:
            return TimeoutError("closing did not end in time")
        self._jobs.put(None)
        self._thread.join()
        return ended.raised

    def abandon(self) -> None:
        """Leave the thread to itself. Its tasks are cancelled, and it ends if it ever comes back."""
        self.abandoned = True
        self._jobs.put(_Job(lambda: self._ended_by(nothing)))
        self._jobs.put(None)
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop may have been closed this very moment
                loop.call_soon_threadsafe(_cancel_all, loop)

    def _finish(self, job: _Job[T], deadline: Deadline) -> T | None:
        self._jobs.put(job)
        done = False
        try:
            done = job.wait(deadline)
        finally:  # Ctrl-C while waiting leaves the client where it is, too
            if not done:
                self.abandon()
        return job.made if done else None

    # All below runs in the thread itself.

    def _live(self) -> None:
        loopback.adopt(self._owner)
        while (job := self._jobs.get()) is not None:
            job.perform()
            del job  # it holds what the client returned, until the next one comes

    def _settled(self, work: Work, *, on_loop: bool) -> Ended:
        if on_loop:
            return self._run(_settle(work))
        ended = _try(work)
        return self._run(_settle(lambda: ended.value)) if _is_awaitable(ended.value) else ended

    def _run(self, coroutine: Coroutine[Any, Any, Ended]) -> Ended:
        try:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
            return self._loop.run_until_complete(coroutine)
        except BaseException as raised:  # noqa: BLE001 - the loop was stopped or closed, or its tasks cancelled
            return Ended(raised=raised)
        finally:
            if getcoroutinestate(coroutine) == CORO_CREATED:
                coroutine.close()  # the client had closed the loop, so it was never begun

    async def _all(self, works: Sequence[Work], read: Read[T], made: list[T | None], *, on_loop: bool) -> Ended:
        start = threading.Event()

        async def one(index: int, work: Work) -> None:
            ended = await (_settle(work) if on_loop else _in_own_thread(work, start, self._owner))
            if _is_awaitable(ended.value):
                ended = await _settle(lambda: ended.value)
            made[index] = read(ended)

        everything = asyncio.gather(*(one(index, work) for index, work in enumerate(works)))
        asyncio.get_running_loop().call_soon(start.set)  # behind the first step of each
        await everything
        return Ended()

    def _ended_by(self, work: Work) -> Ended:
        ended = self._settled(work, on_loop=False)
        shut = _try(self._shut_loop)
        return ended if ended.raised is not None else shut

    def _shut_loop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed():
            return
        try:
            _cancel_all(loop)
            loop.run_until_complete(_gone(asyncio.all_tasks(loop)))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


class _Job(Generic[T]):
    """A piece of work for the thread, and the place where its caller waits for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.made: T | None = None
        self._work = work
        self._undone = threading.Lock()  # held until it is done; lighter than an Event
        self._undone.acquire()

    def perform(self) -> None:
        try:
            self.made = self._work()
        finally:
            self._undone.release()

    def wait(self, deadline: Deadline) -> bool:
        """Whether it was done before the deadline had nothing left. Ctrl-C gets through."""
        while (left := deadline()) > 0:
            if self._undone.acquire(timeout=min(left, _ASK_AGAIN)):
                return True
        return self._undone.acquire(blocking=False)


def nothing() -> None:
    """No work: for a thread that is to end as it is."""


def _is_awaitable(value: Any) -> bool:
    return bool(safely(isawaitable, value))


def _try(work: Work) -> Ended:
    try:
        return Ended(work())
    except BaseException as raised:  # noqa: BLE001 - a client's SystemExit or Ctrl-C is an outcome, too
        return Ended(raised=raised)


async def _settle(work: Work) -> Ended:
    try:
        value = work()
        return Ended(await value if _is_awaitable(value) else value)
    except BaseException as raised:  # noqa: BLE001 - as above; also the cancellation of an abandoned call
        return Ended(raised=raised)


async def _in_own_thread(work: Work, start: threading.Event, owner: loopback.Attempts | None) -> Ended:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Ended] = loop.create_future()

    def live() -> None:
        loopback.adopt(owner)
        start.wait()
        ended = _try(work)
        with suppress(RuntimeError):  # the case is over and its loop closed
            loop.call_soon_threadsafe(_deliver, future, ended)

    started(live, threading.current_thread().name)
    return await future


def _deliver(future: asyncio.Future[Ended], ended: Ended) -> None:
    if not future.done():
        future.set_result(ended)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


async def _gone(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
