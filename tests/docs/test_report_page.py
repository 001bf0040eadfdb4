"""What docs/how-to/report.md shows is there; its commands are run with those of all pages."""

from __future__ import annotations

import re
import sys

from pages import ROOT, Page

sys.path.insert(0, str(ROOT / "docs"))
import make_pictures

PAGE = Page("docs/how-to/report.md")


def test_every_picture_is_shown_and_small():
    names = {path.stem for path in (ROOT / "docs" / "how-to" / "pictures").iterdir()}
    assert names == set(make_pictures.SHOTS)
    assert set(re.findall(r"!\[[^]]+\]\(pictures/([\w-]+)\.png\)", PAGE.text)) == names
    for path in (ROOT / "docs" / "how-to" / "pictures").iterdir():
        assert path.stat().st_size < 100_000
