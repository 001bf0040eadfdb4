"""Every link of README and docs/ leads somewhere: files by their paths, headings as GitHub and anchors as written."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest
from pages import EVERY, ROOT

from pytest_es_upgrade.cli.explaining import Catalogue
from pytest_es_upgrade.contract import shipped_contract

_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)|^\[\w+\]: (\S+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')


@lru_cache
def anchors(path: Path) -> frozenset[str]:
    """What may stand behind `#` for that page."""
    text = path.read_text(encoding="utf-8")
    found = set(_ANCHOR.findall(text))
    for heading in re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE):
        found.add(re.sub(r"[^\w -]", "", heading.replace("`", "").lower()).replace(" ", "-"))
    return frozenset(found)


def links(text):
    for found in _LINK.finditer(_CODE.sub("", _FENCE.sub("", text))):
        yield found[1] or found[2]


def lost(page):
    for link in links(page.text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / page.name).parent / target if target else ROOT / page.name
        if not path.exists() or (anchor and anchor not in anchors(path.resolve())):
            yield link


@pytest.mark.parametrize("page", EVERY, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    assert list(lost(page)) == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_what_is_named_at_the_root_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"(?:docs|contracts|examples|benchmarks)/[\w./-]+\.\w+", text)
    assert [path for path in named if "*" not in path and not (ROOT / path).exists()] == []


#: Where else pages are named, such as in a comment of what is copied from here.
_OUTSIDE = (".ci", ".github", "benchmarks", "contracts", "examples", "pytest_es_upgrade", "tests")
_SUFFIXES = {"", ".ini", ".java", ".jinja", ".js", ".json", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"}


def outside():
    """The text of every file that is no page of docs/."""
    below = (path for folder in _OUTSIDE for path in (ROOT / folder).rglob("*"))
    for path in (*ROOT.iterdir(), *below):
        if path.is_file() and path.suffix in _SUFFIXES and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def test_a_page_that_is_named_outside_docs_is_there():
    named = [(name, page) for name, text in outside() for page in re.findall(r"\bdocs/[\w./-]+\.md\b", text)]
    assert {name.partition("/")[0] for name, _ in named} > {"README.md", "Makefile", "examples", "tests"}
    assert [(name, page) for name, page in named if not (ROOT / page).exists()] == []


def test_pages_that_lead_nowhere_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        '# A `b.c`, d\n\n<a id="b.c"></a>\n\n[x](#a-bc-d) [y](#b.c) [z](#nothing) [v](missing.md) `[w](code)`\n'
    )

    class Made:
        name, text = str(page), page.read_text()

    assert list(lost(Made)) == ["#nothing", "missing.md"]


def test_every_rule_and_every_case_has_an_anchor_of_its_name():
    catalogue = Catalogue(shipped_contract())
    for kind, ids in {"rules": catalogue.contract.rules, "cases": catalogue.cases}.items():
        for id_ in ids:
            path = ROOT / "docs" / "contract" / kind / f"{id_.partition('.')[0]}.md"
            assert id_ in anchors(path), id_


def test_every_page_is_reached_from_the_first():
    """By links of pages, however many steps it takes."""
    reached, waiting = set(), [ROOT / "docs" / "index.md"]
    while waiting:
        path = waiting.pop().resolve()
        if path in reached or path.suffix != ".md" or ROOT / "docs" not in path.parents:
            continue
        reached.add(path)
        waiting += [
            path.parent / link.partition("#")[0] for link in links(path.read_text(encoding="utf-8")) if link[0] != "#"
        ]
    pages = {ROOT / page.name for page in EVERY if page.name.startswith("docs/")}
    assert {path.relative_to(ROOT).as_posix() for path in pages - reached} == set()
