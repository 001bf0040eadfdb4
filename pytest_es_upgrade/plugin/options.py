"""From options and ini keys to `Settings`: each mistake is one clear line, raised before any test runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..client.driver import load_driver
from ..client.loading import load
from ..contract import Contract, shipped_contract
from ..errors import UnknownName, UsageProblem
from ..known import KnownFile, load_known
from ..report import check_path
from ..suite import AMBIENT_RULES, Case, cases
from . import OPTIONS

if TYPE_CHECKING:
    import pytest

    from ..messages import Level
    from ..stage import Client

NOTHING_KNOWN = KnownFile("no file", {})

NO_CLIENT = "no client is named; add --es-upgrade-client=MODULE:FACTORY or --es-upgrade-driver=COMMAND"

#: The profile and level where none is chosen.
DEFAULTS = {"-profile": "quick", "-level": "must"}


@dataclass(frozen=True)
class Settings:
    """What a session is to do. `cases` are the chosen ones.

    `case_ids` are the ids of all that there are, `profile_ids` of those that the profile does not leave out.
    """

    contract: Contract
    asked: bool = False
    clients: tuple[Client, ...] = ()
    #: Whether the clients were named on the command line, which comes before any fixture.
    clients_insist: bool = False
    cases: tuple[Case, ...] = ()
    case_ids: tuple[str, ...] = ()
    profile_ids: tuple[str, ...] = ()
    profile: str = DEFAULTS["-profile"]
    #: Whether Hypothesis was given a seed, which then decides about the examples in every profile.
    seeded: bool = False
    level: Level = "must"
    known: KnownFile = NOTHING_KNOWN
    reports: tuple[Path, ...] = ()
    strict: bool = False

    @cached_property
    def tolerated_rules(self) -> dict[str, str]:
        """Rule → the reading of the page under which breaking it is tolerated."""
        return {rule: reading.id for reading in self.contract.readings.values() for rule in reading.rules}


def read_settings(config: pytest.Config) -> Settings:
    """The session's settings. Raises `UsageProblem`."""
    contract = shipped_contract()
    every = cases(contract)
    ids = tuple(case.id for case in every)
    options = _Options(config)
    reports = tuple(options.path(name) for name in options.texts("-report"))
    for path in reports:
        check_path(path)
    known = options.text("-known")
    settings = Settings(
        contract,
        asked=options.flag(""),
        clients=_clients(options, str(config.invocation_params.dir), str(config.rootpath)),
        clients_insist=options.on_command_line("-client") or options.on_command_line("-driver"),
        cases=_selected(every, options.texts("-case"), options.choice("-profile")),
        case_ids=ids,
        profile_ids=tuple(case.id for case in every if _in_profile(case, options.choice("-profile"))),
        profile=options.choice("-profile"),
        seeded=config.getoption("--hypothesis-seed", None) is not None,
        level=cast("Level", options.choice("-level")),
        known=load_known(options.path(known), ids, _rule_ids(contract, every)) if known else NOTHING_KNOWN,
        reports=reports,
        strict=options.flag("-strict"),
    )
    if settings.asked and not settings.clients:
        raise UsageProblem(f"--es-upgrade: {NO_CLIENT}")
    return settings


class _Options:
    """Values by option; the command line replaces the ini file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def on_command_line(self, name: str) -> bool:
        return self._config.getoption(f"--es-upgrade{name}") is not None

    def flag(self, name: str) -> bool:
        return bool(self._value(name))

    def text(self, name: str) -> str:
        return str(self._value(name) or "")

    def texts(self, name: str) -> list[str]:
        return [text for text in self._value(name) or () if text]

    def choice(self, name: str) -> str:
        known: Sequence[str] = OPTIONS[name][0]["choices"]
        value = self.text(name) or DEFAULTS[name]
        if value not in known:
            raise UsageProblem(f"{self._ini(name)} = {value}: expected one of {', '.join(known)}")
        return value

    def path(self, text: str) -> Path:
        """Relative to where pytest was started, from the command line; from the ini file, to that file."""
        ini = self._config.inipath
        named_there = text in (self._config.getoption("--es-upgrade-known"), *self._command_line_reports())
        base = ini.parent if ini is not None and not named_there else self._config.invocation_params.dir
        return base / text

    def _command_line_reports(self) -> Iterable[str]:
        return self._config.getoption("--es-upgrade-report") or ()

    def _value(self, name: str) -> Any:
        value = self._config.getoption(f"--es-upgrade{name}")
        return self._config.getini(self._ini(name)) if value is None else value

    def _ini(self, name: str) -> str:
        return f"es_upgrade{name.replace('-', '_')}"


def _clients(options: _Options, started_in: str, root: str) -> tuple[Client, ...]:
    """Factories, then drivers; their names share one space, for cases and reports go by them."""
    named: list[Client] = [load(text, [started_in, root]) for text in options.texts("-client")]
    named += [load_driver(text, started_in) for text in options.texts("-driver")]
    clients: dict[str, Client] = {}
    for client in named:
        if client.name in clients:
            other = clients[client.name].adapter
            raise UsageProblem(
                f"two clients are named {client.name!r}: {other} and {client.adapter}; "
                f"name one of them: {client.option}=NAME={client.adapter}"
            )
        clients[client.name] = client
    return tuple(clients.values())


def _selected(every: Sequence[Case], globs: Sequence[str], profile: str) -> tuple[Case, ...]:
    """Those cases, or all, that the profile has; one that is named in full is run in any profile."""
    ids = [case.id for case in every]
    for glob in globs:
        if not any(fnmatchcase(case_id, glob) for case_id in ids):
            raise UnknownCase(glob, ids)
    wanted = [case for case in every if not globs or any(fnmatchcase(case.id, glob) for glob in globs)]
    chosen = tuple(case for case in wanted if _in_profile(case, profile) or case.id in globs)
    for glob in globs:
        if not any(fnmatchcase(case.id, glob) for case in chosen):
            raise UsageProblem(
                f"--es-upgrade-case={glob} matches no case of the profile {profile}; "
                "add --es-upgrade-profile=ci, or name the case in full"
            )
    return chosen


def _in_profile(case: Case, profile: str) -> bool:
    return case.quick or profile != "quick"


class UnknownCase(UsageProblem):
    """A glob that matches no case; the text offers near ids, or else the families."""

    def __init__(self, glob: str, ids: Sequence[str]) -> None:
        """`ids` are those of all cases."""
        self.glob = glob
        near = UnknownName("case", glob, ids).near
        families = dict.fromkeys(case_id.partition(".")[0] + ".*" for case_id in ids)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(families)}"
        super().__init__(f"--es-upgrade-case={glob} matches no case; {advice}")


def _rule_ids(contract: Contract, every: Sequence[Case]) -> list[str]:
    """The rules that a case can break; then all others, for a typo's sake."""
    checked = [rule for case in every for rule in case.rules]
    return list(dict.fromkeys([*checked, *AMBIENT_RULES, *contract.rules]))
