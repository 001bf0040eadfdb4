"""What the site needs beside the pages, as hooks of MkDocs. The pages themselves stay plain Markdown."""

from __future__ import annotations

import posixpath
import re
from typing import Any

#: A heading below an anchor of its own: on the site the anchor is the heading's id.
_ANCHORED = re.compile(r'^<a id="([^"]+)"></a>\n\n(#+ .*)$', re.MULTILINE)
_LINK = re.compile(r"(?<![!\\])\[((?:[^\[\]\\]|\\.)*)\]\(([^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put anchors into headings; links that leave docs/ lead nowhere on a site, and are named instead."""
    folder = posixpath.dirname(page.file.src_uri)
    markdown = _ANCHORED.sub(r"\2 { #\1 }", markdown)
    return _LINK.sub(lambda found: _link(folder, *found.groups(), found[0]), markdown)


def _link(folder: str, text: str, target: str, whole: str) -> str:
    if ":" in target or target.startswith("#"):
        return whole
    path = posixpath.normpath(posixpath.join("docs", folder, target))
    if path.startswith("docs/"):
        return whole
    return text if path in text else f"{text} (`{path}`)"
