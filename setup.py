"""What pyproject.toml cannot say: the README as PyPI shows it, where a link within the repository leads nowhere."""

import re
from pathlib import Path

from setuptools import setup

_REPOSITORY = "https://github.com/pytest-es-upgrade/pytest-es-upgrade"
#: Code, which is left as it is, or the target of a link: `[text](target)`, `![text](target)`, `[name]: target`.
_CODE_OR_LINK = re.compile(
    r"^```.*?^```$|`[^`\n]+`|(?P<before>\]\(|^\[\w+\]: )(?P<target>[^)\s]+)", re.DOTALL | re.MULTILINE
)


def _absolute(found: "re.Match[str]") -> str:
    target = found["target"]
    if target is None or re.match(r"[a-z]+:", target):
        return found[0]
    kind = "raw" if target.endswith(".png") else "blob"
    return f"{found['before']}{_REPOSITORY}/{kind}/main/{'README.md' if target.startswith('#') else ''}{target}"


setup(
    long_description=_CODE_OR_LINK.sub(_absolute, Path(__file__).with_name("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
