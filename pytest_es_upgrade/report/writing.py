"""Writing a report: whole or not at all, and refused before the run where it can be told by then."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageProblem
from .as_html import check_library, html_text
from .as_json import json_text
from .as_markdown import markdown_text

if TYPE_CHECKING:
    from ..results import Json

#: Suffix → what makes the text of such a report.
WRITERS: Mapping[str, Callable[[Json], str]] = {".json": json_text, ".html": html_text, ".md": markdown_text}


def check_path(path: Path) -> None:
    """Raises `UsageProblem` where no report could be written there, by trying."""
    if path.suffix.lower() not in WRITERS:
        known = ", ".join(WRITERS)
        raise UsageProblem(f"report {str(path)!r}: unknown suffix {path.suffix!r}; expected one of {known}")
    if path.suffix.lower() == ".html":
        check_library()
    if not path.parent.is_dir():
        raise UsageProblem(f"report {str(path)!r}: there is no folder {str(path.parent)!r}; make it first")
    if path.is_dir():
        raise UsageProblem(f"report {str(path)!r} is a folder; name a file in it")
    try:
        _beside(path).unlink()
    except OSError as problem:
        raise UsageProblem(f"report {str(path)!r} cannot be written: {problem.strerror}") from None


def write(path: Path, document: Json) -> None:
    """Write the report of that suffix, in place of an older one. Raises `OSError`."""
    text = WRITERS[path.suffix.lower()](document)
    temporary = _beside(path)
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> Path:
    """A new empty file in the same folder: only there is replacing a file one step."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    # mkstemp's file is for its owner alone; a report is as public as any file that is written here.
    os.close(handle)
    os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - beside its sibling of os
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
