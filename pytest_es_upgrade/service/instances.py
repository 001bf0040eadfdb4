"""What the service is about: instances and their versions, pre-upgrade checks, upgrades, tokens.

All that changes the world is in `Instances.call`; it is given a call that conforms to the contract.
The order in which a call is looked at: its token, its instance, the checks. Time is a number that
only `advance` moves.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from ..contract import Contract
from ..errors import UnknownName, UsageProblem
from ..messages import Done, HttpResponse
from ..samples import DERIVED_REQUEST_ID, check_entry, checks_response, error_response
from .choices import choice_answer, choice_value


class Instance(NamedTuple):
    """One instance; `failing` names the checks that it does not pass.

    It is activating until the service's time has come to `usable_at`.
    """

    version: str
    kernel: str | None = None
    usable_at: float = 0.0
    failing: frozenset[str] = frozenset()


class Call(NamedTuple):
    """A call that conforms: the page's parameters, None where not given."""

    instance_id: str
    version: str | None = None
    type: str | None = None
    client_token: str | None = None
    dry_run: bool = False

    @classmethod
    def of(cls, contract: Contract, document: Mapping[str, Any]) -> Call:
        """The call in a document as `rules` read it, its values by the place where each travels."""
        rows = contract.parameters
        given = (pair for values in document.values() for pair in values.items())
        return cls(**{rows[name].field: value for name, value in given if name in rows and value is not None})

    @property
    def content(self) -> tuple[str | None, ...]:
        """What must be the same in every call under one token."""
        return (self.instance_id, self.version, self.type)


class Decision(NamedTuple):
    """What is answered, and what was done; `call` is None where the request is none, `upgrade` counts from 1."""

    response: HttpResponse
    done: Done
    call: Call | None = None
    upgrade: int | None = None


class Instances:
    """The state of the service. Nothing here knows of HTTP beyond the answers it makes."""

    def __init__(self, contract: Contract) -> None:
        self.upgrades_started = 0
        self._contract = contract
        #: Seconds since the service was made, in a time that stands still but for `advance`.
        self._now = 0.0
        self._instances: dict[str, Instance] = {}
        self._only_added = False
        #: token → the first call under it, and what was decided
        self._tokens: dict[str, tuple[Call, Decision]] = {}

    def advance(self, seconds: float) -> None:
        """Let that time pass."""
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not math.isfinite(seconds) or seconds < 0:
            raise UsageProblem(f"advance takes a number of seconds from 0 on, got {seconds!r}")
        self._now += seconds

    def copy(self) -> Instances:
        """The same state, to be changed by itself."""
        twin = copy(self)
        vars(twin).update(_instances=dict(self._instances), _tokens=dict(self._tokens))
        return twin

    def add(self, instance_id: str, version: str, kernel: str | None, *, activating: bool, failing: Any) -> None:
        """Add an instance, or put a known one in another state. From the first on, there are no others."""
        if not isinstance(instance_id, str) or not instance_id:
            raise UsageProblem(f"an instance's id is a text that is not empty, got {instance_id!r}")
        checks = self._contract.enum("validateType")
        if isinstance(failing, (str, bytes)) or not isinstance(failing, Iterable):
            form = f"a list of names of checks, such as {[checks[0]]!r}"
            raise UsageProblem(f"failing is {form}, got {failing!r}; there are {', '.join(checks)}")
        if not isinstance(activating, bool):
            raise UsageProblem(f"activating is True or False, got {activating!r}")
        _check_text("version is a text", version, self._source_versions)
        _known("version of an instance", version, self._source_versions)
        if kernel is not None:
            _check_text("kernel is a text or None", kernel, self._versions_of_other_types)
        _known("kernel version", kernel, (None, *self._versions_of_other_types))
        failing = tuple(failing)
        for name in failing:
            _known("check", name, checks)
        if not self._only_added:
            self._only_added = True
            self._instances.clear()
        usable_at = self._after_activating() if activating else self._now
        self._instances[instance_id] = Instance(version, kernel, usable_at, frozenset(failing))

    def call(self, call: Call, request_id: str) -> Decision:
        """Do what a call asks for, and answer it."""
        token = None if call.dry_run else call.client_token or None
        if token is None or token not in self._tokens:
            decision = self._decided(call, request_id)
            if token is not None and decision.response.status in choice_value(self._contract, "token-memory"):
                self._tokens[token] = (call, decision)
            return decision
        first_call, first = self._tokens[token]
        if first_call.content == call.content:
            return Decision(first.response, "repeated", call, first.upgrade)
        return Decision(choice_answer(self._contract, "token-other-content", request_id), "refused", call)

    def _decided(self, call: Call, request_id: str) -> Decision:
        instance = self._find(call.instance_id)
        if instance is None:
            return Decision(self._documented_error("InstanceNotFound", request_id), "refused", call)
        if self._now < instance.usable_at:
            return Decision(self._documented_error("InstanceActivating", request_id), "refused", call)
        type_, version = self._target(call)
        if not self._can_be_upgraded(instance, version):
            return Decision(choice_answer(self._contract, "source-versions", request_id), "refused", call)
        checks = self._checks(instance, request_id)
        if call.dry_run or instance.failing:
            return Decision(checks, "dry_run" if call.dry_run else "checks_failed", call)
        self._instances[call.instance_id] = self._upgraded(instance, type_, version)
        self.upgrades_started += 1
        return Decision(checks, "started", call, self.upgrades_started)

    def _find(self, instance_id: str) -> Instance | None:
        if instance_id in self._instances or self._only_added:
            return self._instances.get(instance_id)
        return self._first_instance

    @cached_property
    def _first_instance(self) -> Instance:
        return Instance(**choice_value(self._contract, "first-instances"))

    def _target(self, call: Call) -> tuple[str, str]:
        """Type and version that a call asks for, given or not."""
        contract = self._contract
        type_ = call.type or contract.pairing.get(call.version or "", contract.default_type)
        return type_, call.version or next(version for version, paired in contract.pairing.items() if paired == type_)

    def _can_be_upgraded(self, instance: Instance, version: str) -> bool:
        sources = choice_value(self._contract, "source-versions").get(version, ())
        return instance.version in sources and version not in (instance.version, instance.kernel)

    def _upgraded(self, instance: Instance, type_: str, version: str) -> Instance:
        """The instance with that upgrade under way."""
        usable_at = self._after_activating()
        if type_ == self._contract.default_type:
            return instance._replace(version=version, usable_at=usable_at)
        return instance._replace(kernel=version, usable_at=usable_at)

    def _after_activating(self) -> float:
        seconds = choice_value(self._contract, "activating-ends")
        return math.inf if seconds is None else self._now + float(seconds)

    def _checks(self, instance: Instance, request_id: str) -> HttpResponse:
        answer = _checks_answer(self._contract, instance.failing)
        body = answer.body.replace(DERIVED_REQUEST_ID.encode(), request_id.encode())
        return HttpResponse(answer.status, answer.headers, body)

    def _documented_error(self, code: str, request_id: str) -> HttpResponse:
        row = next(row for row in self._contract.errors if row.code == code)
        return error_response(row.status, row.code, row.message, request_id)

    @cached_property
    def _source_versions(self) -> tuple[str, ...]:
        sources = choice_value(self._contract, "source-versions")
        engine = [version for version, type_ in self._contract.pairing.items() if type_ == self._contract.default_type]
        return tuple(dict.fromkeys([version for row in sources.values() for version in row] + engine))

    @cached_property
    def _versions_of_other_types(self) -> tuple[str, ...]:
        pairing = self._contract.pairing
        return tuple(version for version, type_ in pairing.items() if type_ != self._contract.default_type)


def _check_text(expected: str, got: Any, known: Collection[str]) -> None:
    """Before names are compared: 6.3 and '6.3' look alike in a message."""
    if not isinstance(got, str):
        advice = f"write {str(got)!r}" if str(got) in known else f"there are {', '.join(map(repr, known))}"
        raise UsageProblem(f"{expected}, got {got!r} ({type(got).__name__}); {advice}")


@lru_cache(maxsize=64)
def _checks_answer(contract: Contract, failing: frozenset[str]) -> HttpResponse:
    """The answer that lists the checks, the same for every call but for its RequestId, which is not yet the call's."""
    entries = [check_entry(name, failed=name in failing, contract=contract) for name in contract.enum("validateType")]
    return checks_response(entries, DERIVED_REQUEST_ID)


def _known(kind: str, name: Any, known: Collection[str | None]) -> None:
    if name not in known:
        raise UnknownName(kind, str(name), [str(one) for one in known])
