"""Exceptions of this kit. Each carries fields; its text is made from them.

Whose fault it is can be told by the type: the user's options and files, the client's adapter, or a
question that could not be decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class UsageProblem(Exception):
    """The user's option, file or argument is wrong: one line, shown as it is, exit code 4."""


class UnknownName(UsageProblem):
    """A name that is none of the known ones; the text offers the near ones."""

    def __init__(self, kind: str, name: Any, known: Iterable[str]) -> None:
        """`kind` is what the name should be one of, such as "sample" or "case"."""
        from difflib import get_close_matches  # only where something is misspelt

        self.kind, self.name, self.known = kind, name, tuple(known)
        self.near = tuple(get_close_matches(str(name), self.known, n=3, cutoff=0.5))
        super().__init__(f"there is no {kind} {name!r}; {self._advice()}")

    def _advice(self) -> str:
        if self.near:
            return f"did you mean {' or '.join(map(repr, self.near))}?"
        return f"there are {', '.join(self.known)}"


class MissingExtra(UsageProblem):
    """Something was asked for that needs a library which is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        """`what` needs `package`, which comes with the extra `extra`."""
        self.what, self.package, self.extra = what, package, extra
        super().__init__(f'{what} needs {package}; install it with: pip install "pytest-es-upgrade[{extra}]"')


class NotTestable(Exception):
    """A case could not be decided; the text is the reason."""


class StillWaiting(NotTestable):
    """A call was given up that may have been waiting to try again, as the last answer invited it to."""


class Flaky(Exception):
    """A case failed, and did not when it was played again in the same way; the text tells both."""


class ClientFault(Exception):
    """Ends a case in its course: what was found so far stands, and `rule` is broken too."""

    def __init__(self, rule: str, text: str) -> None:
        """`rule` is the id of the rule that is broken; the text is what was seen."""
        self.rule = rule
        super().__init__(text)


class AdapterFault(ClientFault):
    """The adapter itself is at fault, not the client under test (rules `adapter.*`)."""


class ClientHung(ClientFault):
    """A call did not end within its bound (rules `client.hangs`, `client.timeout` and `sent.call`)."""
