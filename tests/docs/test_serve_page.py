"""Every block of code in docs/how-to/serve.md is run, in order, as a reader would who has the page open.

`served` is started, and ends with the next one or the page; `shell: TEXT` is run beside it in a shell
that knows its `$URL` and `$CA_FILE`, and prints that text.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import get_args

import pytest
from pages import Page

from pytest_es_upgrade.cli.config import read_config
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.messages import Done

PAGE = Page("docs/how-to/serve.md")
BLOCKS = PAGE.blocks
KINDS = {"file", "not run", "ready line", "served", "shell"}


@pytest.fixture
def environment(tmp_path):
    """The commands of this environment come first, and are this Python's."""
    programs = tmp_path / "programs"
    programs.mkdir()
    start = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "from pytest_es_upgrade.cli import main; main()" "$@"\n'
    for name, text in {"es-upgrade": start, "python": f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**kept, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.needs("curl", "sh")
def test_the_page_works_from_its_top_to_its_end(tmp_path, environment):
    folder = tmp_path / "project"
    folder.mkdir()
    PAGE.write_files(folder)
    service, ready, done = None, {}, []
    try:
        for block in BLOCKS:
            kind, _, expected = block["what"].partition(":")
            done.append(kind)
            if kind == "served":
                stop(service)
                service = subprocess.Popen(
                    shlex.split(block["text"]), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
                )
                ready = json.loads(service.stdout.readline())
            elif kind == "ready line":
                shown = json.loads(block["text"])
                assert shown | {"url": ready["url"]} == ready
            elif kind == "shell":
                known = {**environment, "URL": ready["url"], "CA_FILE": ready["caFile"] or ""}
                ran = subprocess.run(
                    ["sh", "-ec", block["text"]], cwd=folder, env=known, capture_output=True, text=True, check=False
                )
                assert ran.returncode == 0, ran.stdout + ran.stderr
                assert expected.strip() in " ".join(ran.stdout.split())
    finally:
        stop(service)
    assert set(done) == KINDS


def stop(service):
    if service is not None:
        service.terminate()
        service.communicate(timeout=30)
        assert service.returncode == 0


def test_the_page_names_every_fault_and_its_configuration_is_right(tmp_path):
    assert [name for name in FAULTS if f"`{name}`" not in PAGE.text] == []
    PAGE.write_files(tmp_path)
    assert len(read_config(tmp_path / "service.yaml").steps) == 6


def test_the_page_names_all_that_can_be_done():
    assert [done for done in get_args(Done) if f"`{done}`" not in PAGE.text] == []
