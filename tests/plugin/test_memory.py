"""Ten thousand calls in one process: what is begun anew leaves nothing of itself behind.

A journal grows with what arrives, and ends where the next example begins. Blocks of memory are
counted and not bytes: one object that is kept of every call would be ten thousand of them.
"""

from __future__ import annotations

import gc
import http.client
import json
import sys

import pytest

from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import UpgradeRequest
from pytest_es_upgrade.plugin.stage import LiveStage
from pytest_es_upgrade.server import shared_loop
from pytest_es_upgrade.standin import StandIn

CALLS_PER_EXAMPLE = 20
EXAMPLES = 10_000 // CALLS_PER_EXAMPLE
#: Examples after which every cache has what it will hold.
BEGINNING = 50
#: A tenth of an object for every call is no leak of one, and more than caches and threads come and go with.
BLOCKS = 1_000


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    shared_loop().close()


def blocks_kept(example):
    """How many more blocks of memory are held after ten thousand calls than after the first thousand."""
    for number in range(BEGINNING):
        example(number)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(BEGINNING, EXAMPLES):
        example(number)
    gc.collect()
    return sys.getallocatedblocks() - before


class PlainConnection:
    """A client of a few lines that keeps its connection, and makes another where it was lost."""

    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=5)

    def __call__(self, asked):
        target = f"/openapi/instances/{asked.instance_id}/actions/upgrade-version?clientToken={asked.client_token}"
        body = json.dumps({"version": asked.version, "note": asked.client_token})
        try:
            self.connection.request("POST", target, body, {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def close(self):
        self.connection.close()


def asked_in(number):
    """Other instances, tokens and bodies in every example."""
    return [
        UpgradeRequest(f"es-{number}-{at}", "6.7", client_token=f"t-{number}-{at}") for at in range(CALLS_PER_EXAMPLE)
    ]


def test_a_stand_in_keeps_nothing_of_examples_that_are_over():
    with StandIn() as stand_in:
        client = PlainConnection(stand_in.endpoint)

        def example(number):
            stand_in.fail_with("answer_lost_after_start")
            stand_in.reply_with("struct", 1)
            with pytest.raises(ConnectionError):
                client(asked_in(number)[0])
            for asked in asked_in(number)[1:]:
                client(asked)
            assert len(stand_in.journal) == CALLS_PER_EXAMPLE
            stand_in.reset()

        kept = blocks_kept(example)
        client.close()
    assert kept < BLOCKS


def test_a_stage_keeps_nothing_of_examples_that_are_over():
    client = FactoryClient("client", "m:f", PlainConnection)
    with StandIn() as stand_in, LiveStage(shipped_contract(), client, stand_in, 5.0) as stage:

        def example(number):
            stage.begin_anew()
            for asked in asked_in(number):
                assert stage.call(asked).outcome.kind == "ok"
            assert len(stage.journal) == CALLS_PER_EXAMPLE

        kept = blocks_kept(example)
    assert kept < BLOCKS
