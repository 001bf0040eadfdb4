"""What 200 generated calls over the socket cost, whole processes: `python benchmarks/fuzzing.py [--no-peers]`.

The client is one `requests.Session`: `RequestsSession` of tests/clients/right.py, in a module without the other HTTP
libraries that are imported there, for they would make the round trips look dearer than they are.

    round trips   200 calls of that client to the stand-in of this package, in one plain process
    floor         `@given(st.integers())` of 200 examples with an empty body, in one plain process
    fuzz          pytest with the suite's case fuzz.request.valid of that client, 200 examples: generated, sent,
                  journalled and judged
    schemathesis  pytest with a schemathesis test of this operation, 200 examples, call only: nothing is checked

Rounds are interleaved. Every ratio is the median over rounds of the time to that of round trips and floor together
in the same round. Exit code 1 where `fuzz` is over its limit of 2.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import generation

ROOT = Path(__file__).resolve().parent.parent
CALLS = 200
LIMIT = 2.0

CLIENT = """
import requests
from tests.clients import plain

class Session:
    def __init__(self, endpoint):
        self.endpoint, self.session = endpoint, requests.Session()
        self.session.trust_env = False

    def __call__(self, asked):
        url = plain.url(asked, self.endpoint)
        answer = self.session.post(
            url, json=plain.members(asked), timeout=self.endpoint.timeout, allow_redirects=False
        )
        return plain.checked(answer.status_code, answer.content)

    def close(self):
        self.session.close()
"""

ROUND_TRIPS = f"""
from client import Session
from pytest_es_upgrade import UpgradeRequest
from pytest_es_upgrade.standin import StandIn
with StandIn() as service:
    service.reply_with("all_passed")
    client = Session(service.endpoint)
    for _ in range({CALLS}):
        client(UpgradeRequest("es-cn-n6w1o1x0w001c0000", "6.7", "engineVersion"))
    client.close()
    assert len(service.journal) == {CALLS}
"""

FLOOR = f"""
from hypothesis import given, settings, strategies as st
made = []
@settings(max_examples={CALLS}, database=None, deadline=None)
@given(st.integers())
def empty(number):
    made.append(number)
empty()
assert len(made) == {CALLS}
"""

#: The profile's number of examples is none of the options: here it is set for the length of the run.
CONFTEST = f"""
from hypothesis import settings
from pytest_es_upgrade.plugin import run
settings.register_profile("no database", database=None)
settings.load_profile("no database")
run.PROFILES = {{**run.PROFILES, "quick": run.Profile({CALLS}, 300, 60.0, fixed=True)}}
"""

#: A server of its own, for its environment has no other.
SCHEMATHESIS = f"""
import json, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import schemathesis
from hypothesis import HealthCheck, Phase, settings

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{{"RequestId":"0","Result":[]}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
schema = schemathesis.openapi.from_dict(json.loads({json.dumps(json.dumps(generation.OPENAPI))}))

@schema.parametrize()
@settings(max_examples={CALLS}, phases=[Phase.generate], database=None, deadline=None,
          suppress_health_check=list(HealthCheck))
def test_call(case):
    case.call(base_url=f"http://127.0.0.1:{{server.server_port}}")
"""

FUZZ = (
    "--es-upgrade",
    "--es-upgrade-client=client:Session",
    "--es-upgrade-case=fuzz.request.valid",
)


def command(who: str) -> Sequence[str]:
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    if who == "schemathesis":
        return (generation.environment("schemathesis"), *pytest, "test_peer.py")
    arguments = {"round trips": ("-c", ROUND_TRIPS), "floor": ("-c", FLOOR), "fuzz": (*pytest, *FUZZ)}
    return (sys.executable, *arguments[who])


def seconds(who: str, folder: Path) -> float:
    """Seconds of one whole process."""
    # with bytecode off, pytest compiles its plugins anew at each start, and that is what would be measured
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT) if who != "schemathesis" else ""
    began = time.perf_counter()
    done = subprocess.run(command(who), cwd=folder / who, env=environment, check=False, capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{who}: {done.stdout}{done.stderr}")  # a run that did not do its work is no measurement
    return took


def projects(folder: Path) -> None:
    """The folders that processes run in."""
    files: Mapping[str, Mapping[str, str]] = {
        "round trips": {"client.py": CLIENT},
        "floor": {},
        "fuzz": {"client.py": CLIENT, "conftest.py": CONFTEST, "pytest.ini": "[pytest]\n"},
        "schemathesis": {"test_peer.py": SCHEMATHESIS, "pytest.ini": "[pytest]\n"},
    }
    for name, texts in files.items():
        (folder / name).mkdir()
        for file, text in texts.items():
            (folder / name / file).write_text(text, encoding="utf-8")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--no-peers", action="store_true")
    given = arguments.parse_args()
    runs = ["round trips", "floor", "fuzz", *([] if given.no_peers else ["schemathesis"])]
    figures: dict[str, list[float]] = {who: [] for who in runs}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        projects(folder)
        for who in runs:
            seconds(who, folder)  # bytecode is written, and whatever else is done once
        for _ in range(given.rounds):
            for who in runs:
                figures[who].append(seconds(who, folder))
    bound = [trips + floor for trips, floor in zip(figures["round trips"], figures["floor"], strict=True)]
    ratios = {
        who: statistics.median(mine / both for mine, both in zip(row, bound, strict=True))
        for who, row in figures.items()
    }
    print("| 200 calls, whole process | seconds | x (round trips + floor) | limit |")
    print("|---|---|---|---|")
    for who, row in figures.items():
        limit = f"{LIMIT:g}" if who == "fuzz" else ""
        print(f"| {who} | {statistics.median(row):.2f} | {ratios[who]:.2f} | {limit} |")
    if ratios["fuzz"] > LIMIT:
        print("fuzz is over its limit")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
