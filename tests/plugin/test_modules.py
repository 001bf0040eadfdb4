"""The suite in one's own test module, and the fixtures there."""

from __future__ import annotations

import pytest

IMPORT = "from pytest_es_upgrade.suite import test_es_upgrade_contract\n"
OVERRIDE = f"""
import pytest, clients
{IMPORT}
@pytest.fixture
def es_upgrade_client_factory():
    return clients.forgetful
"""
CASE = "--es-upgrade-case=request.dry_run.value"


def run(project, *args):
    return project.pytester.runpytest_inprocess("-p", "no:randomly", *args)


def test_the_suite_in_a_module(project):
    project.pytester.makepyfile(test_it=IMPORT)
    result = run(project, "--es-upgrade-client=clients:right", "--es-upgrade-case=request.m*", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["test_it.py::test_es_upgrade_contract[[]right:request.method] PASSED*", "*right keeps the contract*"]
    )


def test_an_overridden_factory_is_the_client(project):
    project.pytester.makepyfile(test_it=OVERRIDE)
    project.pytester.makeini("[pytest]\nes_upgrade_client = clients:right\n")
    result = run(project, CASE, "--es-upgrade-report=r.json", "--es-upgrade-level=must")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "alone *pytest 'test_it.py::test_es_upgrade_contract[[]es_upgrade_client_factory:request.dry_run.value]'",
            "*es_upgrade_client_factory breaks the contract*",
        ]
    )


def test_the_command_line_comes_before_an_overridden_factory(project):
    project.pytester.makepyfile(test_it=OVERRIDE)
    run(project, CASE, "--es-upgrade-client=clients:right").assert_outcomes(passed=1)


def test_an_overridden_factory_under_xdist_needs_no_option(project):
    project.pytester.makepyfile(test_it=OVERRIDE)
    result = run(project, "-n2", "-k", "request.dry_run.value")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*es_upgrade_client_factory breaks the contract*"])


def test_two_modules_with_factories_are_two_clients(project):
    project.pytester.makepyfile(test_a=OVERRIDE, test_b=OVERRIDE.replace("forgetful", "right"))
    result = run(project, CASE)
    result.assert_outcomes(failed=1, passed=1)
    assert result.stdout.str().count("es-upgrade: es_upgrade_client_factory ") == 2


def test_a_pair_runs_once(project):
    project.pytester.makepyfile(test_a=IMPORT, test_b=IMPORT)
    result = run(project, "--es-upgrade", "--es-upgrade-client=clients:right", "--es-upgrade-case=request.m*", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_a.py::*PASSED*"])


@pytest.mark.parametrize("options", [[], ["-n2"]], ids=["alone", "xdist"])
def test_a_module_without_a_client_is_a_usage_error(project, options):
    project.pytester.makepyfile(test_it=IMPORT, test_own="def test_own(): pass")
    result = run(project, *options)
    assert result.ret == 4
    output = result.stdout.str() + result.stderr.str()
    assert output.count("test_it.py::test_es_upgrade_contract: no client is named; add --es-upgrade-client=") == 1
    assert "Traceback" not in output
    assert "passed" not in output


def test_a_wrong_ini_file_is_a_usage_error_once_it_is_needed(project):
    project.pytester.makeini("[pytest]\nes_upgrade_client = clients:missing\n")
    project.pytester.makepyfile(test_it=IMPORT)
    result = run(project)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: there is no 'missing' in clients*"])


# --- fixtures -------------------------------------------------------------------------------------------

SERVER = """
import clients, pytest
from pytest_es_upgrade import HttpResponse, UpgradeRequest

ASKED = UpgradeRequest("es-cn-a", "6.7", "engineVersion")

def test_server(es_upgrade_server, es_upgrade_endpoint):
    assert es_upgrade_endpoint is es_upgrade_server.endpoint
    call = clients.right(es_upgrade_endpoint)
    es_upgrade_server.add_instance("es-cn-a")
    assert call(ASKED)["Result"]
    assert es_upgrade_server.upgrades_started == 1
    assert [exchange.response.status for exchange in es_upgrade_server.journal] == [200]
    es_upgrade_server.reply_with(HttpResponse(503), times=2)
    assert es_upgrade_server.script_left == 2
    with pytest.raises(OSError, match="503"):
        call(ASKED)
    es_upgrade_server.reply_with("success")
    es_upgrade_server.fail_with("reset_after_reading")
    with pytest.raises(OSError, match="503|reset"):
        call(ASKED)

def test_names_are_checked(es_upgrade_server):
    with pytest.raises(Exception, match="did you mean 'success'"):
        es_upgrade_server.reply_with("sucess")
"""

RESPONSES = """
import io, requests, pytest
from pytest_es_upgrade import HttpResponse

PATH = "/openapi/instances/es-cn-a/actions/upgrade-version"
JSON = {"Content-Type": "application/json"}

def post(stand_in, body=b'{"version": "6.7"}', headers=JSON):
    return requests.post(stand_in.endpoint.url + PATH, data=body, headers=headers, timeout=1)

def test_responses(es_upgrade_responses):
    assert post(es_upgrade_responses).status_code == 200
    assert es_upgrade_responses.upgrades_started == 1
    exchange, = es_upgrade_responses.journal
    assert exchange.request.raw == b""
    assert exchange.request.header("Host") == "es-upgrade.test"
    es_upgrade_responses.reply_with("InstanceNotFound")
    answer = post(es_upgrade_responses)
    assert (answer.status_code, answer.json()["Code"]) == (404, "InstanceNotFound")
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    es_upgrade_responses.mock.get("http://other.test/", body="more")
    assert requests.get("http://other.test/", timeout=1).text == "more"
    with pytest.raises(requests.ConnectionError):
        requests.get("http://unknown.test/", timeout=1)

TEXT = '{"version": "6.7"}'

@pytest.mark.parametrize("body", [TEXT, TEXT.encode(), io.BytesIO(TEXT.encode()), [b'{"version"', b': "6.7"}']])
def test_bodies(es_upgrade_responses, body):
    post(es_upgrade_responses, iter(body) if isinstance(body, list) else body)
    assert es_upgrade_responses.journal[0].request.body == b'{"version": "6.7"}'

def test_no_body_and_own_host(es_upgrade_responses):
    post(es_upgrade_responses, None, {"Host": "example.test", "X-Bytes": b"b"})
    request = es_upgrade_responses.journal[0].request
    assert (request.body, request.header("Host"), request.header("X-Bytes")) == (b"", "example.test", "b")

@pytest.mark.parametrize("fault", ["refuse", "reset_before_reading", "reset_after_reading", "close_early"])
def test_faults(es_upgrade_responses, fault):
    es_upgrade_responses.fail_with(fault)
    with pytest.raises(requests.ConnectionError, match="without response" if fault == "close_early" else fault):
        post(es_upgrade_responses)

def test_unused(es_upgrade_responses):
    pass
"""

SAMPLES = """
import clients
from pytest_es_upgrade import UpgradeRequest, Outcome

def test_sample(es_upgrade_sample, es_upgrade_server, es_upgrade_client):
    es_upgrade_server.reply_with(es_upgrade_sample.response)
    outcome = es_upgrade_client.call(UpgradeRequest("es-cn-a", "6.7", "engineVersion"))
    broken = es_upgrade_sample.check(outcome)
    assert [found for found in broken if found.rule.level == "must"] == []
    assert es_upgrade_sample.check(Outcome("ok", result=None)) != []
    assert es_upgrade_client.name == "right"
"""


def test_the_server_fixture(project):
    project.pytester.makepyfile(test_it=SERVER)
    run(project).assert_outcomes(passed=2)


def test_the_responses_fixture(project):
    project.pytester.makepyfile(test_it=RESPONSES)
    run(project).assert_outcomes(passed=11)


def test_samples_and_clients(project):
    project.pytester.makepyfile(test_it=SAMPLES)
    result = run(project, "--es-upgrade-client=clients:right", "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*test_sample[[]*right*success*"])


def test_a_client_that_hangs_in_a_fixture(project, monkeypatch):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 0.05)
    project.pytester.makepyfile(
        test_it="from pytest_es_upgrade import UpgradeRequest\n"
        "def test_hung(es_upgrade_client):\n"
        "    assert es_upgrade_client.call(UpgradeRequest('es-cn-a', '6.7', 'engineVersion')).kind == 'hung'\n"
    )
    run(project, "--es-upgrade-client=clients:hanging").assert_outcomes(passed=1)


def test_without_a_client_the_fixture_says_so(project):
    project.pytester.makepyfile(test_it="def test_it(es_upgrade_client): pass")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no client is named; add --es-upgrade-client=MODULE:FACTORY or --es-*"])


def test_own_parameters_are_left_alone(project):
    project.pytester.makepyfile(
        test_it="import pytest\n"
        "@pytest.mark.parametrize('es_upgrade_sample', ['success'], indirect=True)\n"
        "def test_it(es_upgrade_sample): assert es_upgrade_sample.response.status == 200\n"
    )
    run(project).assert_outcomes(passed=1)
