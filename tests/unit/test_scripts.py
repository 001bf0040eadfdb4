"""Scripts of calls, as code that somebody runs."""

from __future__ import annotations

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import UpgradeRequest
from pytest_es_upgrade.suite.scripts import Step, as_code

CODE = """\
from pytest_es_upgrade import UpgradeRequest


def test_script(es_upgrade_server, es_upgrade_client):
    es_upgrade_server.add_instance('es-cn-first')
    es_upgrade_server.add_instance('es-cn-second')
    es_upgrade_server.add_instance('es-cn-first', activating=True)
    es_upgrade_server.fail_with('garbage')
    assert es_upgrade_client.check(UpgradeRequest(instance_id='es-cn-first', version='6.7')) == []
    es_upgrade_server.stop_failing()
    es_upgrade_server.ready_again('es-cn-first')
    assert es_upgrade_client.check(UpgradeRequest(instance_id='es-cn-first', version='6.7', dry_run=True)) == []
    assert es_upgrade_server.upgrades_started <= 1"""


def test_a_script_is_a_test_that_prepares_what_each_step_needs():
    asked = UpgradeRequest("es-cn-first", "6.7")
    checked = UpgradeRequest("es-cn-first", "6.7", dry_run=True)
    script = [Step(asked, "activating", ("garbage",)), Step(checked, "ready again")]
    assert as_code(shipped_contract(), script) == CODE
