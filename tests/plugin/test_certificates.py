"""Cases that need TLS, with and without the extra that makes certificates."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from pytest_es_upgrade.server import forget


def test_without_the_extra_the_cases_are_not_testable_and_name_it(project, monkeypatch):
    forget()
    monkeypatch.setitem(sys.modules, "trustme", None)
    result, document = project.report(cases="transport.tls.good request.method")
    assert result.ret == 0
    case = project.cases_of(document)["transport.tls.good"]
    assert case["verdict"] == "not_testable"
    assert case["reason"] == 'TLS needs trustme; install it with: pip install "pytest-es-upgrade[tls]"'


def test_no_file_is_left_behind(project, monkeypatch, tmp_path):
    forget()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    result, document = project.report(cases="transport.tls.*")
    assert result.ret == 1  # this client has no use for ca_file, and a run that decides nothing is not green
    assert {case["verdict"] for case in project.cases_of(document).values()} == {"not_testable"}
    assert list(folder.iterdir()) == []


WAITING = """
import pathlib, time

from pytest_es_upgrade.standin import StandIn

def test_waiting():
    with StandIn(certificate="good") as stand_in:
        pathlib.Path("ready").write_text(stand_in.endpoint.ca_file)
        time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to one process")
def test_ctrl_c_leaves_no_file_either(tmp_path, interrupt):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_waiting.py").write_text(WAITING)
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_waiting.py"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as process:
        ready, until = tmp_path / "ready", time.monotonic() + 50
        while not (ready.exists() and ready.read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        assert ready.read_text().startswith(str(folder))
        interrupt(process)
        assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert list(folder.iterdir()) == []
