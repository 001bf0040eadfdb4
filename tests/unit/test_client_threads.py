"""A client's threads begin one at a time, and one that ended before it began is started anew."""

from __future__ import annotations

import threading

from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.client.threads import started
from pytest_es_upgrade.messages import Endpoint, UpgradeRequest

ENDPOINT = Endpoint("http://127.0.0.1:1")
REQUESTS = [UpgradeRequest("es-cn-a"), UpgradeRequest("es-cn-b"), UpgradeRequest("es-cn-c")]


def plenty():
    return 20.0


def called(count):
    client = FactoryClient("mine", "m:f", lambda endpoint: lambda request: request.instance_id).open(ENDPOINT, plenty)
    outcomes = client.call_together(REQUESTS[:count], plenty)
    client.close(plenty)
    return [outcome.result for outcome in outcomes]


def test_a_thread_that_ended_before_it_began_is_started_anew(monkeypatch):
    """As CPython 3.11 lets one end where two install a trace function at once."""
    runs = []

    class EndsAtFirst(threading.Thread):
        def run(self):
            runs.append(self)
            if len(runs) != 2:
                super().run()

    monkeypatch.setattr(threading, "Thread", EndsAtFirst)
    assert called(2) == ["es-cn-a", "es-cn-b"]
    assert len(runs) == 4  # one for the client, one for each call, and one anew


def test_none_begins_while_another_does(monkeypatch):
    beginning, most = [], []

    class Counted(threading.Thread):
        def run(self):
            beginning.append(self)
            most.append(len(beginning))
            threading.Event().wait(0.02)  # whoever is started meanwhile is seen
            target, self._target = self._target, lambda: (beginning.remove(self), target())
            super().run()

    monkeypatch.setattr(threading, "Thread", Counted)
    assert called(3) == ["es-cn-a", "es-cn-b", "es-cn-c"]
    assert most == [1, 1, 1, 1]


def test_what_it_lives_for_is_done_under_its_name():
    names = []
    thread = started(lambda: names.append(threading.current_thread().name), "client mine")
    thread.join(20)
    assert names == ["client mine"]
    assert thread.daemon
