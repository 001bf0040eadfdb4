"""The blocks of code of a page, and a folder in which they are run as a reader would.

A comment above a block says what it is: `file: NAME` is written, `run: exit N` is run in a shell,
`output: CASE` is what is printed of that case, `part of: PATH` is an excerpt of a file of this repository, of
which the reader has a copy, and `not run: WHY` names its reason. Some pages have kinds of their own, each with a test.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from needs import environment_of_a_user

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^<!-- (?P<what>[^\n]*?) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page of Markdown, by its path within the repository."""

    name: str

    @property
    def text(self) -> str:
        return (ROOT / self.name).read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[dict[str, str]]:
        return [match.groupdict() for match in _BLOCK.finditer(self.text)]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """(what the block says, line) of every line that is run."""
        runs = [block for block in self.blocks if block["what"].startswith("run: ")]
        return [(block["what"], line) for block in runs for line in block["text"].splitlines()]

    def write_files(self, folder: Path) -> Path:
        """The project as the reader has it after having written every file."""
        (folder / "pytest.ini").write_text("[pytest]\n")
        for block in self.blocks:
            kind, _, name = block["what"].partition(": ")
            if kind == "part of":
                shutil.copy(ROOT / name, folder)
            if kind == "file":
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["text"], encoding="utf-8")
        return folder


#: What a page begins with that docs/generate.py writes: its blocks are records and help texts.
GENERATED = "<!-- generated: "

#: README and every page of docs/, by their paths within the repository.
EVERY = [
    Page("README.md"),
    *(Page(path.relative_to(ROOT).as_posix()) for path in sorted((ROOT / "docs").rglob("*.md"))),
]
#: Pages that people write.
WRITTEN = [page for page in EVERY if not page.text.startswith(GENERATED)]
#: Those with a block that says what it is. The tutorial, whose steps change what others have written, has its own test.
PAGES = [page for page in WRITTEN if page.blocks and page.name != "docs/tutorial.md"]


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A line of a page, with the programs of this environment."""
    program, *arguments = shlex.split(command)
    programs = {
        "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        "python": [sys.executable],
        "es-upgrade": [sys.executable, "-c", "from pytest_es_upgrade.cli import main; main()"],
    }
    environment = environment_of_a_user()
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        [*programs[program], *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
