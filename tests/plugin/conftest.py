"""A project with clients in it, and runs of pytest there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import pytest

from pytest_es_upgrade.suite import Case

# What an inner run in this process imports for the first time is thrown away after it, and would be
# another module for the next one than for the tests here.
for name in ("ending", "explain", "fixtures", "items", "options", "run", "stage", "terminal"):
    import_module(f"pytest_es_upgrade.plugin.{name}")

CLIENTS = '''
import json, os, threading, urllib.parse, urllib.request
from dataclasses import replace

def right(endpoint):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    def call(asked):
        query = {}
        if asked.client_token is not None:
            query["clientToken"] = asked.client_token
        if asked.dry_run is not None:
            query["dryRun"] = "true" if asked.dry_run else "false"
        path = f"/openapi/instances/{urllib.parse.quote(asked.instance_id, safe='')}/actions/upgrade-version"
        url = f"{endpoint.url}{path}{'?' if query else ''}{urllib.parse.urlencode(query)}"
        body = {k: v for k, v in (("version", asked.version), ("type", asked.type)) if v is not None}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with opener.open(request, timeout=endpoint.timeout) as answer:
            return json.load(answer)
    return call

def forgetful(endpoint):
    call = right(endpoint)
    return lambda asked: call(replace(asked, dry_run=None))

def capital(endpoint):
    """dryRun=True, which is below must."""
    import pytest_es_upgrade
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    def call(asked):
        url = f"{endpoint.url}/openapi/instances/{asked.instance_id}/actions/upgrade-version"
        if asked.dry_run is not None:
            url += f"?dryRun={asked.dry_run}"
        body = {k: v for k, v in (("version", asked.version), ("type", asked.type)) if v is not None}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with opener.open(request, timeout=endpoint.timeout) as answer:
            return json.load(answer)
    return call

def never(endpoint):
    def call(asked):
        raise RuntimeError(f"no connection to {endpoint.port}, {object()}")
    return call

def absent(endpoint):
    return lambda asked: None

def hanging(endpoint):
    call = right(endpoint)
    def hang(asked):
        call(asked)
        threading.Event().wait()
    return hang

def silent(endpoint):
    return lambda asked: threading.Event().wait()

def leaving(endpoint):
    call = right(endpoint)
    def leave(asked):
        print("leaving")
        os.chdir("..")
        call(asked)
        raise SystemExit(3)
    return leave

def public(endpoint):
    return lambda asked: urllib.request.urlopen("https://elasticsearch.cn-hangzhou.aliyuncs.com/", b"")

def raising(endpoint):
    raise OSError("no configuration")

def raising_later(endpoint, made=[]):
    made.append(1)
    if len(made) > 1:
        raise OSError("no configuration")
    return right(endpoint)

def empty(endpoint):
    return None

def two_arguments(endpoint, other):
    return right(endpoint)

number = 7
'''


@dataclass(frozen=True)
class Project:
    """A folder with `clients.py`, in which pytest is run."""

    pytester: pytest.Pytester

    def run(self, *args: str, client: str | None = "right", cases: str = "request.method"):
        """Run the suite in this process."""
        return self.pytester.runpytest_inprocess(*self.arguments(client, cases), *args)

    def run_apart(self, *args: str, client: str | None = "right", cases: str = "request.method"):
        """Run the suite in a process of its own."""
        return self.pytester.runpytest_subprocess(*self.arguments(client, cases), *args)

    def arguments(self, client, cases):
        asked = [] if client is None else ["--es-upgrade", f"--es-upgrade-client=clients:{client}"]
        chosen = [f"--es-upgrade-case={case}" for case in cases.split()] if client is not None else []
        return ["-p", "no:randomly", *asked, *chosen]

    def report(self, *args: str, **kwargs: str):
        """Run the suite, and give its JSON report beside pytest's result."""
        result = self.run("--es-upgrade-report=report.json", *args, **kwargs)
        return result, json.loads((self.pytester.path / "report.json").read_text(encoding="utf-8"))

    def cases_of(self, document, client=0):
        return {case["id"]: case for case in document["clients"][client]["cases"]}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    pytester.makepyfile(clients=CLIENTS)
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
    return Project(pytester)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put other cases in the suite's place: id → check function, with the rules it may break."""

    def put(checks, **options):
        cases = tuple(
            Case(id_, f"Decides {id_}.", rules or ("request.method",), check, **options)
            for id_, (check, *rules) in checks.items()
        )
        monkeypatch.setattr("pytest_es_upgrade.plugin.options.cases", lambda contract: cases)

    return put
