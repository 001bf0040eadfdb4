"""What an example costs to generate, as a ratio to the floor: `python benchmarks/generation.py [--no-peers]`.

The floor is `st.integers()` with the same number of examples, in the same process and the same round: the body is
empty, the phase is generation alone, there is no example database. It is processor time that is compared, so that a
busy machine does little harm; every ratio is the median over interleaved rounds of the ratio within one round. Exit
code 1 where one of this package is over its limit.

Peers get environments of their own under .venv-peers/, made by the first run: schemathesis with an OpenAPI document
of this operation, positive and negative; hypothesis-jsonschema with the same schemas, on the newest Hypothesis that
it works with. They are asked for fewer examples, for they are slow; so is their floor then.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
FLOOR = "st.integers()"

#: Strategy → the ratio that it must not exceed.
LIMITS = {"valid_requests()": 2.5, "invalid_requests()": 2.5, "success_responses()": 4.0}

#: Peer → what its environment needs.
PEERS = {
    "schemathesis": ("schemathesis==4.32.5",),
    "hypothesis-jsonschema": ("hypothesis-jsonschema==0.23.1", "hypothesis==6.170.9"),
}

#: Who is measured → examples of one round.
EXAMPLES = {"ours": 2000, "schemathesis": 200, "hypothesis-jsonschema": 100}

# --- the operation, as the peers are told of it ------------------------------------------------------

_BODY = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"version": {"enum": [version]}, "type": {"enum": [type_]}},
            "additionalProperties": False,
            "required": ["version", "type"],
        }
        for version, type_ in (("6.7", "engineVersion"), ("ali1.2.0", "aliVersion"))
    ]
}
_ID = {"type": "string", "minLength": 1}
_TOKEN = {"type": "string", "maxLength": 64, "pattern": "^[ -~]*$"}
_CALL = {
    "type": "object",
    "properties": {"InstanceId": _ID, "clientToken": _TOKEN, "dryRun": {"type": "boolean"}, "body": _BODY},
    "required": ["InstanceId"],
    "additionalProperties": False,
}
_ERROR = {
    "type": "object",
    "properties": {
        "errorType": {"enum": ["clusterStatus", "clusterConfigYml", "clusterConfigPlugins", "clusterSnapshot"]},
        "errorCode": {"type": "string"},
        "errorMsg": {"type": "string"},
    },
}
_CHECK = {
    "type": "object",
    "properties": {
        "validateType": {"enum": ["checkClusterHealth", "checkConfigCompatible", "checkClusterSnapshot"]},
        "status": {"enum": ["success", "failed"]},
        "validateResult": {"type": "array", "items": _ERROR},
    },
    "required": ["validateType", "status"],
}
_ANSWER = {
    "type": "object",
    "properties": {"RequestId": {"type": "string"}, "Result": {"type": "array", "items": _CHECK}},
    "required": ["RequestId", "Result"],
}
_PATH = "/openapi/instances/{InstanceId}/actions/upgrade-version"
OPENAPI = {
    "openapi": "3.0.3",
    "info": {"title": "Elasticsearch", "version": "2017-06-13"},
    "paths": {
        _PATH: {
            "post": {
                "parameters": [
                    {"name": "InstanceId", "in": "path", "required": True, "schema": _ID},
                    {"name": "clientToken", "in": "query", "schema": _TOKEN},
                    {"name": "dryRun", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": _BODY}}},
                "responses": {"200": {"description": "OK"}},
            }
        }
    },
}


# --- who is measured ---------------------------------------------------------------------------------


def ours() -> dict[str, st.SearchStrategy[Any]]:
    from pytest_es_upgrade import strategies

    names = (
        "valid_requests",
        "invalid_requests",
        "awkward_requests",
        "success_responses",
        "error_responses",
        "malformed_responses",
    )
    return {f"{name}()": getattr(strategies, name)() for name in names}


def schemathesis() -> dict[str, st.SearchStrategy[Any]]:
    import schemathesis as peer
    from schemathesis import GenerationMode

    operation = peer.openapi.from_dict(OPENAPI)[_PATH]["POST"]
    return {f"schemathesis, {mode.value}": operation.as_strategy(generation_mode=mode) for mode in GenerationMode}


def hypothesis_jsonschema() -> dict[str, st.SearchStrategy[Any]]:
    from hypothesis_jsonschema import from_schema

    return {
        "hypothesis-jsonschema, whole call": from_schema(_CALL),
        "hypothesis-jsonschema, response": from_schema(_ANSWER),
    }


MEASURED: Mapping[str, Callable[[], dict[str, st.SearchStrategy[Any]]]] = {
    "ours": ours,
    "schemathesis": schemathesis,
    "hypothesis-jsonschema": hypothesis_jsonschema,
}


# --- measuring ---------------------------------------------------------------------------------------


def seconds(strategy: st.SearchStrategy[Any], examples: int, *, checks: bool) -> float:
    """Processor seconds per example, for nothing here waits; with `checks` Hypothesis complains where it filters."""
    made = []

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow] if checks else list(HealthCheck),
    )
    @given(strategy)
    def empty(_value: Any) -> None:
        made.append(None)

    began = time.process_time()
    empty()
    took = time.process_time() - began
    assert len(made) >= examples, f"only {len(made)} examples: there are no more, and no figure per example"
    return took / len(made)


def measure(who: str, rounds: int) -> dict[str, list[float]]:
    """Strategy → seconds per example in each round, the floor's under its own name."""
    strategies = {FLOOR: st.integers(), **MEASURED[who]()}
    figures: dict[str, list[float]] = {name: [] for name in strategies}
    for strategy in strategies.values():
        seconds(strategy, 50, checks=False)  # what is made once is made before
    for _ in range(rounds):
        for name, strategy in strategies.items():
            figures[name].append(seconds(strategy, EXAMPLES[who], checks=who == "ours"))
    return figures


# --- peers' environments ------------------------------------------------------------------------------


def environment(peer: str) -> str:
    """The interpreter of a peer's environment, which is made where it is missing."""
    folder = ROOT / ".venv-peers" / peer
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]], check=True)
        (folder / "ready").touch()
    return str(python)


def measured_apart(who: str, rounds: int) -> dict[str, list[float]]:
    """The figures of a process of its own."""
    python = environment(who) if who in PEERS else sys.executable
    command = [python, __file__, "--measure", who, "--rounds", str(rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--no-peers", action="store_true")
    arguments.add_argument("--measure", choices=MEASURED, help=argparse.SUPPRESS)
    given_ = arguments.parse_args()
    if given_.measure:
        print(json.dumps(measure(given_.measure, given_.rounds)))
        return 0
    over = []
    print("| strategy | n | ms an example | x floor | limit |")
    print("|---|---|---|---|---|")
    for who in MEASURED:
        if who in PEERS and given_.no_peers:
            continue
        figures = measured_apart(who, given_.rounds)
        for name, row in figures.items():
            ratio = statistics.median(mine / floor for mine, floor in zip(row, figures[FLOOR], strict=True))
            limit = LIMITS.get(name)
            over += [name] if limit is not None and ratio > limit else []
            shown = "floor" if name == FLOOR else f"{ratio:.2f}"
            print(f"| `{name}` | {EXAMPLES[who]} | {statistics.median(row) * 1000:.3f} | {shown} | {limit or ''} |")
    for name in over:
        print(f"{name} is over its limit")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
