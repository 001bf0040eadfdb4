"""Every driver of examples/drivers/ against the real client that it drives: its verdict, and what is known of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from functools import partial

import pytest
import yaml
from drivers import ADAPTERS, DRIVERS, FOLDER, command, lacks, run_suite
from needs import MODULES, ROOT

KNOWN = {
    "alicloud-elasticsearch": ROOT / "examples" / "known" / "alicloud-node-4.yaml",
    "pop-core": ROOT / "examples" / "known" / "pop-core-1.yaml",
}
FAMILIES = [f"--es-upgrade-case={family}.*" for family in ("request", "response", "error")]


@pytest.fixture
def suite(tmp_path):
    """Runs the suite against drivers, by their names."""
    return partial(run_suite, tmp_path)


def each(names):
    """The drivers by name, each with what it needs."""
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.needs(*DRIVERS[name][1])) for name in names]
    )


@each(DRIVERS)
def test_a_driver_is_judged_as_is_known_of_its_client(name, suite, tmp_path):
    """Nothing is failed, nothing left undecided; what is known of a client at level should is judged there."""
    options = [*FAMILIES, f"--es-upgrade-report={tmp_path / 'r.json'}"]
    if name in KNOWN:
        options += [f"--es-upgrade-known={KNOWN[name]}", "--es-upgrade-level=should"]
    done = suite([name], *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (client,) = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["clients"]
    assert client["name"] == name
    assert client["summary"]["not_testable"] == 0
    assert client["summary"]["passed"] > 100
    assert (client["summary"]["known"] > 0) == (name in KNOWN)


@each(DRIVERS)
def test_a_driver_keeps_to_the_protocol(name):
    words = [sys.executable, "-c", "from pytest_es_upgrade.cli import main; main()", "driver", command(name)]
    environment = os.environ | {"NODE_PATH": str(MODULES)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


#: What was measured of the Node clients by hand, without this suite: case → the rule that it breaks.
MEASURED = {
    "alicloud-elasticsearch": {
        "response.struct.result": "answer.struct",
        "error.ok.no_result": "error.undocumented_success",
        "error.ok.error_body": "error.undocumented_success",
        "error.ok.null": "error.not_a_document",
        "error.body.html.503": "error.http_status",
        "error.body.empty.503": "error.http_status",
        "error.body.null.503": "error.http_status",
        "error.ok.duplicate_members": "error.duplicate_members",
    },
    "pop-core": {
        "request.http.host_port": "request.http.host_port",
        "error.body.html.503": "error.as_success",
        "error.redirect.302.same_host": "error.as_success",
        "error.redirect.307.same_host": "error.as_success",
        "error.content_type.text_plain": "error.http_status",
        "error.content_type.absent": "error.http_status",
        "error.ok.null": "error.not_a_document",
        "error.ok.list": "error.not_a_document",
        "error.ok.string": "error.not_a_document",
        "error.ok.status_204": "error.undocumented_success",
        "error.body.null.503": "error.http_status",
    },
}
#: What was measured to be right.
RIGHT = {
    "alicloud-elasticsearch": [
        "error.redirect.302.same_host",
        "error.ok.empty",
        "error.ok.html",
        "error.ok.status_204",
    ],
    "pop-core": ["response.struct.result", "error.ok.empty", "error.status.429", "error.documented.instance_not_found"],
}


@each(KNOWN)
def test_what_was_measured_of_a_client_is_found(name, suite, tmp_path):
    cases = [f"--es-upgrade-case={case}" for case in (*MEASURED[name], *RIGHT[name])]
    suite([name], *cases, f"--es-upgrade-report={tmp_path / 'r.json'}", "--es-upgrade-level=may")
    (client,) = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["clients"]
    found = {case["id"]: {violation["rule"] for violation in case["violations"]} for case in client["cases"]}
    assert not [case for case, rule in MEASURED[name].items() if rule not in found[case]]
    assert not [case for case in RIGHT[name] if found[case]]


def test_all_at_once_on_two_workers(suite, tmp_path):
    """Whatever this machine can run, side by side, with one that dies and one that hangs among them."""
    names = [name for name in DRIVERS if not lacks(name)]
    broken = {
        "dying": f"{sys.executable} -c 'input(); exit(7)'",
        "hanging": f"{sys.executable} -c 'import time; time.sleep(600)'",
    }
    options = [f"--es-upgrade-driver={name}={text}" for name, text in broken.items()]
    report = tmp_path / "r.json"
    case = "--es-upgrade-case=response.sample.*"
    done = suite(names, "-n2", case, *options, f"--es-upgrade-report={report}")
    clients = {client["name"]: client for client in json.loads(report.read_text(encoding="utf-8"))["clients"]}
    assert list(clients) == [*names, *broken]
    for name in names:
        assert clients[name]["summary"]["passed"] == len(clients[name]["cases"]), name
    assert done.returncode == 1
    for name, words in {"dying": "the driver ended with exit code 7", "hanging": "had not ended 15 s after"}.items():
        assert {item["verdict"] for item in clients[name]["cases"]} == {"not_testable"}
        assert f"es-upgrade: not green: {name}: nothing of it ever reaches the wire: " in done.stdout
        assert words in done.stdout


#: What a copy of driver.py does when it has been asked often enough.
IN_THE_MIDDLE = {
    "killed": "os.kill(os.getpid(), 9)",
    "hanging": "__import__('time').sleep(600)",
}


#: With the clients of ADAPTERS, eight in four languages.
EIGHT = ["alicloud-elasticsearch", "pop-core", "Driver", "curl"]


@pytest.mark.needs(*(need for name in EIGHT for need in DRIVERS[name][1]))
def test_eight_clients_beside_one_that_is_killed_and_one_that_hangs(suite, tmp_path):
    options = [f"--es-upgrade-client={name}={adapter}" for name, adapter in ADAPTERS.items()]
    for name, deed in IN_THE_MIDDLE.items():
        options.append(f"--es-upgrade-driver={name}={_driver_that(deed, tmp_path / f'{name}.py')}")
    report = tmp_path / "r.json"
    cases = [f"--es-upgrade-case={case}" for case in ("response.*", "error.documented.*")]
    done = suite(EIGHT, "-n2", *cases, *options, f"--es-upgrade-report={report}")
    clients = {client["name"]: client for client in json.loads(report.read_text(encoding="utf-8"))["clients"]}
    assert list(clients) == [*ADAPTERS, *EIGHT, *IN_THE_MIDDLE]
    for name, client in clients.items():
        assert len(client["cases"]) == len(clients["curl"]["cases"]) > 70, name
        assert f"es-upgrade: {name} " in done.stdout
        if name not in IN_THE_MIDDLE:
            assert client["summary"]["not_testable"] == client["summary"]["failed"] == 0, name
    told = {name: _told(clients[name]) for name in IN_THE_MIDDLE}
    assert told["killed"] == {"passed", "adapter.driver.ended"}  # it is started anew, and goes on
    # after three such calls in a worker the rest is not judged; how they fall to the two is chance
    assert {"passed", "sent.call"} <= told["hanging"] <= {"passed", "sent.call", "client hangs"}
    assert done.returncode == 1


def _driver_that(deed, path):
    """The command of a driver that does so instead of its fifteenth answer."""
    text = (FOLDER / "driver.py").read_text(encoding="utf-8")
    loop = "for line in sys.stdin:\n"
    assert text.count(loop) == 1
    counted = f"import os\nasked = []\n{loop}    asked.append(line)\n    if len(asked) == 15:\n        {deed}\n"
    path.write_text(text.replace(loop, counted), encoding="utf-8")
    return shlex.join([sys.executable, str(path)])


def _told(client):
    """The verdicts of a client, or what they rest on."""
    told = set()
    for case in client["cases"]:
        rules = {violation["rule"] for violation in case["violations"]} if case["verdict"] == "failed" else set()
        told |= rules or {case["reason"].partition(":")[0] if case["verdict"] == "not_testable" else "passed"}
    return told


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_is_short(name):
    text = (FOLDER / DRIVERS[name][0][1]).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert max(map(len, text.splitlines())) <= 125


@pytest.mark.parametrize("path", KNOWN.values(), ids=KNOWN)
def test_every_known_deviation_has_its_reason_and_its_rule(path):
    (entries,) = yaml.safe_load(path.read_text(encoding="utf-8"))["clients"].values()
    assert all(entry["reason"] and entry["rule"] for entry in entries.values())
