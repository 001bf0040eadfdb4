"""What every test may use: pytest's own means of testing plugins, and what a machine may lack."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.pytester import SysModulesSnapshot
from filelock import FileLock
from needs import STRICT, how_to_get, lacking, may_lack, paragraph

pytest_plugins = ["pytester"]

#: Under this key a report tells what its test was left out for.
LACKS = "lacks"


def pytest_addoption(parser):
    parser.addoption("--left-out", metavar="FILE", help="write what was left out for want of a tool there")


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*tools): programs and npm packages, see tests/needs.py")


def pytest_runtest_setup(item):
    needed = [name for mark in item.iter_markers("needs") for name in mark.args]
    lacks = lacking(dict.fromkeys(needed))
    if not lacks:
        return
    told = f"needs {' and '.join(f'{name} ({how_to_get(name)})' for name in lacks)}"
    if not may_lack():
        pytest.fail(f"{told}; where {STRICT} is set nothing is left out", pytrace=False)
    item.user_properties.append((LACKS, lacks))  # it travels on the report, from xdist's workers too
    pytest.skip(told)


def pytest_terminal_summary(terminalreporter, config):
    properties = [dict(report.user_properties) for report in terminalreporter.getreports("skipped")]
    text = paragraph(found[LACKS] for found in properties if LACKS in found)
    if config.option.left_out:
        Path(config.option.left_out).write_text(f"{text}\n" if text else "", encoding="utf-8")
    if text:
        terminalreporter.write_sep("=", "left out")
        terminalreporter.write_line(text, yellow=True)


def pytest_xdist_auto_num_workers():
    """Half as many again as there are cores: half of the time is spent waiting for clients that wait."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.fixture(autouse=True)
def libraries_stay(monkeypatch, tmp_path_factory):
    """A run of pytest within this process forgets the modules of its own folder, and no others.

    pytester forgets all that such a run was the first to import. A second copy of a library's classes is strange to
    whatever kept the first (compiled parts, registries), and which test then fails depends on the order of all.
    """
    forget, folders = SysModulesSnapshot.restore, str(tmp_path_factory.getbasetemp())

    def forget_own(snapshot):
        libraries = {name: module for name, module in sys.modules.items() if not _place(module).startswith(folders)}
        forget(snapshot)
        sys.modules.update(libraries)

    monkeypatch.setattr(SysModulesSnapshot, "restore", forget_own)


def _place(module):
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")


@pytest.fixture(scope="session")
def made_once(request, tmp_path_factory):
    """`made_once(name, fill)`: a folder that the first to ask for it fills, in whichever of xdist's workers."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(request.config, "workerinput") else own

    def make(name, fill):
        folder = shared / name
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                filling = tmp_path_factory.mktemp("filling")
                fill(filling)
                filling.rename(folder)
        return folder

    return make


@pytest.fixture
def interrupt():
    """`interrupt(process)`: Ctrl-C, until it has ended. Ask for it before the process is started."""
    # Whoever is started in the background ignores interrupts, and hands that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def until_it_ends(process):
        while process.poll() is None:  # Python loses an interrupt that comes within a collector's callback
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=15)  # a second one would interrupt the clearing up on a busy machine

    yield until_it_ends
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def endless_is_soon_at_its_end(monkeypatch):
    """An endless answer is followed for two minutes else; that it outlasts them is tested with the faults."""
    monkeypatch.setattr("pytest_es_upgrade.faults._ENDLESS_PIECES", 150)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
