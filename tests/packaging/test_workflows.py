"""Workflows are YAML with jobs, and what they run exists."""

from __future__ import annotations

import re

import pytest
import yaml
from lowest import ROOT, project

from pytest_es_upgrade.cli.commands import command
from pytest_es_upgrade.plugin import OPTIONS

OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TO_COPY = sorted((ROOT / "examples" / "ci").glob("*.yml"))
#: Made elsewhere; the workflow of a matrix joins its reports with it.
COMMANDS = {*command.commands}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(path):
    return [step["run"] for job in load(path)["jobs"].values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", [*OWN, *TO_COPY], ids=lambda path: path.name)
def test_a_workflow_has_a_name_a_reason_to_run_and_few_rights(path):
    workflow = load(path)
    assert workflow["name"]
    assert workflow[True]  # `on`, as YAML reads it
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
        assert all("@" in step["uses"] for step in job["steps"] if "uses" in step)
        needed = job.get("needs", [])
        assert ({needed} if isinstance(needed, str) else set(needed)) <= workflow["jobs"].keys()


@pytest.mark.parametrize("path", TO_COPY, ids=lambda path: path.name)
def test_every_option_and_command_of_one_to_copy_exists(path):
    text = "\n".join(commands(path))
    used = re.findall(r"--(es-upgrade[a-z-]*)", text)
    assert "es-upgrade" in used
    assert {f"--{name}" for name in used} <= {f"--es-upgrade{name}" for name in OPTIONS}
    assert set(re.findall(r"^es-upgrade (\w+)", text, re.MULTILINE)) <= COMMANDS
    for value, option in (("profile", "-profile"), ("level", "-level")):
        assert set(re.findall(rf"--es-upgrade-{value}=(\w+)", text)) <= set(OPTIONS[option][0]["choices"])
    assert '>> "$GITHUB_STEP_SUMMARY"' in text


@pytest.mark.parametrize("path", TO_COPY, ids=lambda path: path.name)
def test_every_report_that_is_written_is_kept(path):
    steps = [step for job in load(path)["jobs"].values() for step in job["steps"]]
    kept = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    written = re.findall(r"--es-upgrade-report=(\S+\.json|\$\{\{.*?\}\}\.json)", "\n".join(commands(path)))
    assert written
    assert all(name in kept or "contract.*" in kept for name in written)


def test_every_python_that_is_promised_is_tried():
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(project()["classifiers"]))
    assert load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"] == promised


def test_what_ci_runs_is_there():
    (run,) = commands_of_job("all")
    assert (ROOT / run).stat().st_mode & 0o100
    matrix = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    folders = " ".join([*matrix["folders"], *(row["folders"] for row in matrix["include"])]).split()
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def commands_of_job(name):
    job = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"][name]
    return [step["run"] for step in job["steps"] if "run" in step]
