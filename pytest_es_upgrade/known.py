"""The file of known deviations: what of a client is known to be wrong, why, and until when.

Keys are exact case ids or end in `.*`; an exact key beats a wildcard, a longer wildcard a shorter
one. Every mistake in the file is one line that names the file and the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from .errors import UsageProblem
from .results import Json, KnownDeviation

if TYPE_CHECKING:
    from pathlib import Path

_WILDCARD = ".*"
#: Families that are searched and not enumerated: that nothing was found this time says nothing.
_NEVER_STALE = "fuzz."
_EXAMPLE = 'request.dry_run.lower_case: {reason: "sends True/False"}'


@dataclass(frozen=True)
class Entry:
    """One entry: `key` is a case id or a wildcard, `rules` limit it (empty = any rule)."""

    key: str
    reason: str
    rules: tuple[str, ...] = ()
    until: date | None = None
    link: str | None = None

    @property
    def prefix(self) -> str | None:
        """What ids begin with that a wildcard matches; None for an exact key."""
        return self.key[:-1] if self.key.endswith(_WILDCARD) else None

    def matches(self, case_id: str) -> bool:
        """Whether the key is that id, or a wildcard for it."""
        return case_id == self.key if self.prefix is None else case_id.startswith(self.prefix)


@dataclass(frozen=True)
class KnownFile:
    """The entries of a file, by client."""

    name: str
    clients: Mapping[str, tuple[Entry, ...]]

    def deviation(self, client: str, case_id: str, today: date) -> KnownDeviation | None:
        """What is known of that case of that client, or None."""
        matching = [entry for entry in self.clients.get(client, ()) if entry.matches(case_id)]
        if not matching:
            return None
        entry = max(matching, key=lambda entry: (entry.prefix is None, len(entry.key)))
        expired = entry.until is not None and entry.until < today
        return KnownDeviation(
            entry.key,
            entry.reason,
            entry.rules,
            exact=entry.prefix is None and not case_id.startswith(_NEVER_STALE),
            expired=str(entry.until) if expired else None,
        )

    def stale_wildcards(self, client: str, results: Iterable[Json], case_ids: Iterable[str]) -> list[Entry]:
        """The wildcards of that client which nothing needs any more.

        `results` are the client's of this run, `case_ids` all that there are: a wildcard is judged
        only where every case that it matches was run, and at least one of them was decided.
        """
        cases = {case["id"]: case for case in results}
        wildcards = [entry for entry in self.clients.get(client, ()) if entry.prefix is not None]
        return [entry for entry in wildcards if _is_stale(entry, cases, case_ids)]


def _is_stale(entry: Entry, cases: Mapping[str, Json], case_ids: Iterable[str]) -> bool:
    matching = [case_id for case_id in case_ids if entry.matches(case_id)]
    if entry.key.startswith(_NEVER_STALE) or not all(case_id in cases for case_id in matching):
        return False
    judged = [cases[case_id] for case_id in matching if cases[case_id]["verdict"] != "not_testable"]
    return bool(judged) and not any(_needs(entry, case) for case in judged)


def _needs(entry: Entry, case: Json) -> bool:
    if case["verdict"] in ("failed", "known"):
        return True
    return any(not entry.rules or found["rule"] in entry.rules for found in case["violations"])


# --- reading --------------------------------------------------------------------------------------


def load_known(path: Path, case_ids: Sequence[str], rule_ids: Iterable[str]) -> KnownFile:
    """Read a file. Raises `UsageProblem` where it cannot be read or says what cannot be."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise UsageProblem(f"known file {str(path)!r} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise UsageProblem(f"known file {str(path)!r} is not UTF-8 (byte {problem.start})") from None
    return parse_known(text, str(path), case_ids, rule_ids)


def parse_known(text: str, name: str, case_ids: Sequence[str], rule_ids: Iterable[str]) -> KnownFile:
    """The entries of that text; `name` is the file's, for messages. Raises `UsageProblem`."""
    return _Reader(name, case_ids, tuple(rule_ids)).read(text)


class _Mapping(dict[Any, Any]):
    """A mapping of the file that knows the line of each of its keys."""

    lines: Mapping[Any, int]


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, which would silently hide an entry."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> _Mapping:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = _key(loader, key_node)
        line = key_node.start_mark.line + 1
        if key in lines:
            raise yaml.MarkedYAMLError(
                problem=f"the key {key!r} is there twice (line {lines[key]} too)", problem_mark=key_node.start_mark
            )
        lines[key] = line
    mapping = _Mapping(loader.construct_mapping(node, deep=True))
    mapping.lines = lines
    return mapping


def _key(loader: _Loader, node: yaml.Node) -> Any:
    """A key as a value; `<<`, and what can be no key, as what it is written as."""
    if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:merge":
        return loader.construct_object(node, deep=True)
    return node.tag


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


class _Reader:
    """One reading of a file; every check raises with the line at hand."""

    def __init__(self, name: str, case_ids: Sequence[str], rule_ids: Sequence[str]) -> None:
        self._name, self._case_ids, self._rule_ids = name, case_ids, rule_ids

    def read(self, text: str) -> KnownFile:
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            raise self._problem(mark.line + 1 if mark else 1, problem.problem or "no YAML") from None
        except (yaml.YAMLError, ValueError, TypeError) as problem:  # a date such as 2027-13-99; a list as a key
            raise self._problem(None, f"no YAML: {' '.join(str(problem).split())}") from None
        if not isinstance(document, _Mapping) or set(document) != {"clients"}:
            got = f"the keys {', '.join(map(str, document))}" if isinstance(document, dict) else _shown(document)
            raise self._problem(1, f"expected one key at the top, clients:, got {got}")
        clients = self._members(document, "clients", "a mapping from client names to their entries")
        return KnownFile(self._name, {str(client): self._entries(clients, client) for client in clients})

    def _entries(self, clients: _Mapping, client: Any) -> tuple[Entry, ...]:
        entries = self._members(clients, client, f"a mapping such as {_EXAMPLE}")
        return tuple(self._entry(entries, key) for key in entries)

    def _members(self, owner: _Mapping, key: Any, expected: str) -> _Mapping:
        """The mapping under a key; nothing at all is an empty one."""
        value = owner[key]
        if value is None:
            value = _Mapping()
        if not isinstance(value, _Mapping):
            raise self._problem(self._line(owner, key), f"{key}: expected {expected}, got {_shown(value)}")
        return value

    def _entry(self, entries: _Mapping, key: Any) -> Entry:
        line = self._line(entries, key)
        self._check_key(line, key)
        fields = self._members(entries, key, 'a mapping with a reason, such as {reason: "why"}')
        for name in fields:
            if name not in _FIELDS:
                advice = _near(str(name), tuple(_FIELDS))
                raise self._problem(self._line(fields, name), f"{key}: there is no member {name!r}; {advice}")
        if "reason" not in fields:
            raise self._problem(line, f'{key}: there is no reason; write {key}: {{reason: "why it is known"}}')
        read = {
            name: make(self, self._line(fields, name), f"{key}: {name}", fields[name])
            for name, make in _FIELDS.items()
            if name in fields
        }
        return Entry(key, read["reason"], read.get("rule", ()), read.get("until"), read.get("link"))

    def _check_key(self, line: int | None, key: Any) -> None:
        entry = Entry(str(key), "")
        if not any(entry.matches(case_id) for case_id in self._case_ids):
            prefixes = {case_id.rpartition(".")[0] + _WILDCARD for case_id in self._case_ids}
            known = self._case_ids if entry.prefix is None else sorted(prefixes)
            raise self._problem(line, f"{str(key)!r} matches no case; {_near(str(key), known)}")

    def text(self, line: int | None, where: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._problem(line, f"{where}: expected a text, got {_shown(value)}")
        return value.strip()

    def rules(self, line: int | None, where: str, value: Any) -> tuple[str, ...]:
        rules = value if isinstance(value, list) and value else [value]
        for rule in rules:
            if rule not in self._rule_ids:
                advice = _near(str(rule), self._rule_ids)
                raise self._problem(line, f"{where}: there is no rule {_shown(rule)}; {advice}")
        return tuple(rules)

    def until(self, line: int | None, where: str, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._problem(line, f"{where}: expected a date such as 2027-06-30, got {_shown(value)}") from None

    def _line(self, owner: _Mapping, key: Any) -> int | None:
        """None for a key that a YAML merge brought in from elsewhere."""
        return owner.lines.get(key)

    def _problem(self, line: int | None, text: str) -> UsageProblem:
        return UsageProblem(f"known file {self._name}{f':{line}' if line else ''}: {text}")


#: The members of an entry, each with how it is read.
_FIELDS: Mapping[str, Callable[[_Reader, int | None, str, Any], Any]] = {
    "reason": _Reader.text,
    "rule": _Reader.rules,
    "until": _Reader.until,
    "link": _Reader.text,
}


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    shown = ", ".join(known[:5])
    return f"there are {shown}{', …' if len(known) > 5 else ''}"


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"{text[:80]}{'…' if len(text) > 80 else ''} ({type(value).__name__})"
