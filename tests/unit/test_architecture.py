"""The arrows of ARCHITECTURE.md, held by the source; and what importing the plugin costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_es_upgrade
from pytest_es_upgrade.errors import UnknownName

PACKAGE = Path(pytest_es_upgrade.__file__).parent
TRUNK = [
    "messages",
    "errors",
    "plans",
    "results",
    "contract",
    "rules",
    "samples",
    "signatures",
    "faults",
    "values",
    "stage",
    "strategies",
]
#: room → what it may import beside itself
ALLOWED = {
    **{name: set(TRUNK[:place]) for place, name in enumerate(TRUNK)},
    "hypothesis_entry": {"messages", "strategies"},
    "traceability": {"contract"},
    "yaml_text": {"errors"},
    "known": {"messages", "errors", "results", "yaml_text"},
    "service": set(TRUNK),
    "server": {*TRUNK, "service"},
    "standin": {*TRUNK, "service", "server"},
    "client": set(TRUNK),
    "suite": {*TRUNK, "client"},
    "report": {"messages", "errors", "results", "contract", "faults"},
    "adapters": {"messages"},
    "__init__": {"messages", "contract", "rules"},
}
JOIN = {"plugin", "cli"}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.partition(".")[0] for name in names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if module and module.startswith("pytest_es_upgrade."):
                yield module.split(".")[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    name = room(path)
    if name not in JOIN:
        assert set(imported_rooms(path)) - {name} <= ALLOWED[name]


def test_every_room_is_on_the_map():
    rooms = {room(path) for path in PACKAGE.rglob("*.py")}
    assert rooms <= ALLOWED.keys() | JOIN
    map_ = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for name in rooms - {"__init__"}:
        assert name in map_


def loaded_by(statement):
    code = f"import sys, pytest\nbefore = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def test_the_plugin_loads_the_standard_library_and_pytest_alone():
    loaded = loaded_by("import pytest_es_upgrade.plugin")
    assert [name for name in loaded if name.startswith("pytest_es_upgrade")] == [
        "pytest_es_upgrade",
        "pytest_es_upgrade.plugin",
    ]
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign <= {"pytest_es_upgrade", "_pytest", "pytest", "pluggy", "iniconfig", "packaging"}


def test_public_names_are_there_on_first_use():
    for name in pytest_es_upgrade.__all__:
        assert getattr(pytest_es_upgrade, name).__name__ == name
        assert name in dir(pytest_es_upgrade)
    with pytest.raises(AttributeError, match="check_requests"):
        pytest_es_upgrade.check_requests  # noqa: B018 - the access is what raises


def test_an_unknown_name_without_a_near_one_lists_what_there_is():
    assert "there are b" in str(UnknownName("thing", "xyz", ["b"]))
