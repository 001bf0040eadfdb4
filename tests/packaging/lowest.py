"""Prints the lowest versions that pyproject.toml allows of whatever the package and its extras need, as constraints."""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


def project():
    """The table `project` of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements():
    """Those that are needed at install, then those of the extras but for the one that joins them."""
    extras = project()["optional-dependencies"]
    texts = [*project()["dependencies"], *(text for name, texts in extras.items() if name != "all" for text in texts)]
    return [Requirement(text) for text in texts]


def lowest():
    """`name==version` of each; every one has a lower bound and nothing else."""
    for requirement in requirements():
        (bound,) = requirement.specifier
        assert bound.operator == ">=", requirement
        yield f"{requirement.name}=={bound.version}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lowest()))
