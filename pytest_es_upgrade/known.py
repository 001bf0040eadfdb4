"""The file of known deviations: what of a client is known to be wrong, why, and until when.

Keys are exact case ids or end in `.*`; an exact key beats a wildcard, a longer wildcard a shorter
one. Every mistake in the file is one line that names the file and the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from .errors import UsageProblem
from .results import Json, KnownDeviation
from .yaml_text import YamlMapping, near, parse_yaml, problem_at, read_text, shown

if TYPE_CHECKING:
    from pathlib import Path

_KIND = "known file"
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
            link=entry.link,
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
    text = read_text(path, _KIND)
    return parse_known(text, str(path), case_ids, rule_ids)


def parse_known(text: str, name: str, case_ids: Sequence[str], rule_ids: Iterable[str]) -> KnownFile:
    """The entries of that text; `name` is the file's, for messages. Raises `UsageProblem`."""
    return _Reader(name, case_ids, tuple(rule_ids)).read(text)


class _Reader:
    """One reading of a file; every check raises with the line at hand."""

    def __init__(self, name: str, case_ids: Sequence[str], rule_ids: Sequence[str]) -> None:
        self._name, self._case_ids, self._rule_ids = name, case_ids, rule_ids

    def read(self, text: str) -> KnownFile:
        document = parse_yaml(text, self._name, _KIND)
        if not isinstance(document, YamlMapping) or set(document) != {"clients"}:
            got = f"the keys {', '.join(map(str, document))}" if isinstance(document, dict) else shown(document)
            raise self._problem(1, f"expected one key at the top, clients:, got {got}")
        clients = self._members(document, "clients", "a mapping from client names to their entries")
        return KnownFile(self._name, {str(client): self._entries(clients, client) for client in clients})

    def _entries(self, clients: YamlMapping, client: Any) -> tuple[Entry, ...]:
        entries = self._members(clients, client, f"a mapping such as {_EXAMPLE}")
        return tuple(self._entry(entries, key) for key in entries)

    def _members(self, owner: YamlMapping, key: Any, expected: str) -> YamlMapping:
        """The mapping under a key; nothing at all is an empty one."""
        value = owner[key]
        if value is None:
            value = YamlMapping()
        if not isinstance(value, YamlMapping):
            raise self._problem(self._line(owner, key), f"{key}: expected {expected}, got {shown(value)}")
        return value

    def _entry(self, entries: YamlMapping, key: Any) -> Entry:
        line = self._line(entries, key)
        self._check_key(line, key)
        fields = self._members(entries, key, 'a mapping with a reason, such as {reason: "why"}')
        for name in fields:
            if name not in _FIELDS:
                advice = near(str(name), tuple(_FIELDS))
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
            raise self._problem(line, f"{str(key)!r} matches no case; {near(str(key), known)}")

    def text(self, line: int | None, where: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._problem(line, f"{where}: expected a text, got {shown(value)}")
        return value.strip()

    def rules(self, line: int | None, where: str, value: Any) -> tuple[str, ...]:
        rules = value if isinstance(value, list) and value else [value]
        for rule in rules:
            if rule not in self._rule_ids:
                advice = near(str(rule), self._rule_ids)
                raise self._problem(line, f"{where}: there is no rule {shown(rule)}; {advice}")
        return tuple(rules)

    def until(self, line: int | None, where: str, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._problem(line, f"{where}: expected a date such as 2027-06-30, got {shown(value)}") from None

    def _line(self, owner: YamlMapping, key: Any) -> int | None:
        """None for a key that a YAML merge brought in from elsewhere."""
        return owner.lines.get(key)

    def _problem(self, line: int | None, text: str) -> UsageProblem:
        return problem_at(_KIND, self._name, line, text)


#: The members of an entry, each with how it is read.
_FIELDS: Mapping[str, Callable[[_Reader, int | None, str, Any], Any]] = {
    "reason": _Reader.text,
    "rule": _Reader.rules,
    "until": _Reader.until,
    "link": _Reader.text,
}
