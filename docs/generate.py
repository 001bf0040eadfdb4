"""Writes the pages of docs/ that are made from the contract, the suite and docstrings.

Run: python docs/generate.py [--check]. With --check it writes nothing, and says which pages would differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

import reference_pages
from contract_pages import GENERATED, ContractPages

from pytest_es_upgrade.contract import shipped_contract

HERE = Path(__file__).parent


def pages() -> dict[str, str]:
    """Path below docs/ → text."""
    return {**dict(ContractPages(shipped_contract()).pages()), **dict(reference_pages.pages())}


def leftover(made: dict[str, str]) -> list[Path]:
    """Generated pages that nothing makes any more."""
    found = (path for path in HERE.rglob("*.md") if path.read_text(encoding="utf-8").startswith(GENERATED))
    return [path for path in found if path.relative_to(HERE).as_posix() not in made]


def main(arguments: list[str]) -> int:
    """Write the pages; with --check, say which differ from what would be written."""
    made, check = pages(), "--check" in arguments
    stale = [path.relative_to(HERE).as_posix() for path in leftover(made)]
    for name, text in made.items():
        path = HERE / name
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(
            f"docs/{name} is out of date: {'run python docs/generate.py' if check else 'nothing makes it; remove it'}"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
