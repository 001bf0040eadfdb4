"""docs/tutorial.md is followed from its top to its end: files are written and changed, commands run, output compared.

`change: NAME` is a diff whose lines stand in that file once; `printed` is what the command before it prints, where
`...` on a line of its own stands for any lines, and within a line for any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pages import Page, run

PAGE = Page("docs/tutorial.md")
KINDS = {"not run", "file", "run", "printed", "change"}


def test_the_tutorial_works_from_its_top_to_its_end(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done, printed = [], ""
    for block in PAGE.blocks:
        kind, _, rest = block["what"].partition(": ")
        done.append(kind)
        if kind == "file":
            (tmp_path / rest).write_text(block["text"], encoding="utf-8")
        elif kind == "change":
            path = tmp_path / rest
            path.write_text(changed(path.read_text(encoding="utf-8"), block["text"].splitlines()), encoding="utf-8")
        elif kind == "run":
            ended = run(tmp_path, block["text"].strip())
            printed = ended.stdout
            assert f"exit {ended.returncode}" == rest, printed + ended.stderr
        elif kind == "printed":
            assert re.search(pattern(block["text"]), printed, re.DOTALL), printed
    assert set(done) == KINDS


def changed(text: str, diff: Sequence[str]) -> str:
    old, new = ("\n".join(line[1:] for line in diff if line[0] in kept) + "\n" for kept in (" -", " +"))
    assert text.count(old) == 1, old
    return text.replace(old, new)


def pattern(shown: str) -> str:
    """What is printed, with its elisions."""
    pieces = [re.escape(piece).replace(re.escape("..."), "[^\n]*") for piece in shown.strip("\n").split("\n...\n")]
    return r"\n(?s:.*)".join(pieces)
