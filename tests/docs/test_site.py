"""The site: it builds without a warning, fetches nothing from elsewhere, and its anchors are the ids themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from pages import ROOT

PICTURES = sorted((ROOT / "docs" / "explanation" / "pictures").glob("*.svg"))
PARTS = ("svg", "title", "desc", "style", "rect", "text", "path")
SVG = "{http://www.w3.org/2000/svg}"

builds = pytest.mark.needs("properdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@builds
def test_nothing_is_fetched_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"([^\"]*)\"", text)
        loaded += re.findall(r"<link [^>]*href=\"([^\"]*)\"", text)
        assert [url for url in loaded if re.match(r"(https?:)?//", url)] == [], page.name
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet.name


@builds
def test_rules_and_cases_have_their_ids_for_anchors(site):
    assert '<h2 id="request.path">' in (site / "contract/rules/request.html").read_text(encoding="utf-8")
    assert '<h3 id="fuzz.faults">' in (site / "contract/cases/fuzz.html").read_text(encoding="utf-8")


@builds
def test_what_lies_outside_of_the_site_is_named_and_not_linked(site):
    text = (site / "how-to/drivers.html").read_text(encoding="utf-8")
    assert "<code>contracts/driver.schema.json</code>" in text
    assert 'href="../../' not in text.replace('href="../../contract', "")


@builds
def test_no_file_of_the_generator_is_on_the_site(site):
    assert [path.name for path in site.rglob("*") if path.suffix in {".py", ".md"} or path.name == "cases.json"] == []


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_are_small_say_what_they_show_and_are_read_in_the_dark(path):
    assert path.stat().st_size < 4096
    picture = ET.parse(path).getroot()
    assert picture.get("role") == "img"
    ids = [picture.find(f"{SVG}{name}").get("id") for name in ("title", "desc")]
    assert picture.get("aria-labelledby").split() == ids
    assert len(picture.find(f"{SVG}desc").text) > 80
    assert "prefers-color-scheme:dark" in picture.find(f"{SVG}style").text
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= set(PARTS)


def test_every_picture_is_shown_with_its_title():
    text = (ROOT / "docs/explanation/idempotency.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"!\[([^\]]+)\]\(pictures/([\w-]+)\.svg\)", text))
    titles = {ET.parse(path).getroot().find(f"{SVG}title").text: path.stem for path in PICTURES}
    assert shown == titles
