"""What the service is about: instances and their versions, pre-upgrade checks, upgrades, tokens.

All that changes the world is in `Instances.call`; it is given a call that conforms to the contract.
The order in which a call is looked at: its token, its instance, the checks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..contract import Contract
from ..errors import UnknownName, UsageProblem
from ..messages import HttpResponse
from ..samples import check_entry, checks_response, error_response
from .choices import choice_answer, choice_value


@dataclass(frozen=True)
class Instance:
    """One instance as of now; `failing` names the checks that it does not pass."""

    version: str
    kernel: str | None = None
    activating: bool = False
    failing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Call:
    """A call that conforms: the page's parameters, None where not given."""

    instance_id: str
    version: str | None = None
    type: str | None = None
    client_token: str | None = None
    dry_run: bool = False

    @classmethod
    def of(cls, contract: Contract, document: Mapping[str, Any]) -> Call:
        """The call in a document as `rules` read it, its values by the place where each travels."""
        values = {
            row.field: document[row.place][name]
            for name, row in contract.parameters.items()
            if document[row.place].get(name) is not None
        }
        return cls(**values)

    @property
    def content(self) -> tuple[str | None, ...]:
        """What must be the same in every call under one token."""
        return (self.instance_id, self.version, self.type)


class Instances:
    """The state of the service. Nothing here knows of HTTP beyond the answers it makes."""

    def __init__(self, contract: Contract) -> None:
        self.upgrades_started = 0
        self._contract = contract
        self._instances: dict[str, Instance] = {}
        self._only_added = False
        self._results: dict[frozenset[str], list[dict[str, Any]]] = {}
        #: token → the content it was used with, and the first answer
        self._tokens: dict[str, tuple[tuple[str | None, ...], HttpResponse]] = {}

    def add(self, instance_id: str, version: str, kernel: str | None, *, activating: bool, failing: Any) -> None:
        """Add an instance, or put a known one in another state. From the first on, there are no others."""
        if not isinstance(instance_id, str) or not instance_id:
            raise UsageProblem(f"an instance's id is a text that is not empty, got {instance_id!r}")
        if isinstance(failing, str) or not isinstance(failing, Collection):
            raise UsageProblem(f"failing is a list of names of checks, got {failing!r}")
        _known("version of an instance", version, self._source_versions())
        _known("kernel version", kernel, (None, *self._versions_of_other_types()))
        for name in failing:
            _known("check", name, self._contract.enum("validateType"))
        if not self._only_added:
            self._only_added = True
            self._instances.clear()
        self._instances[instance_id] = Instance(version, kernel, activating, frozenset(failing))

    def call(self, call: Call, request_id: str) -> HttpResponse:
        """Do what a call asks for, and answer it."""
        token = None if call.dry_run else call.client_token or None
        if token is None or token not in self._tokens:
            answer = self._answer(call, request_id)
            if token is not None and answer.status in choice_value(self._contract, "token-memory"):
                self._tokens[token] = (call.content, answer)
            return answer
        content, first_answer = self._tokens[token]
        if content == call.content:
            return first_answer
        return choice_answer(self._contract, "token-other-content", request_id)

    def _answer(self, call: Call, request_id: str) -> HttpResponse:
        instance = self._find(call.instance_id)
        if instance is None:
            return self._documented_error("InstanceNotFound", request_id)
        if instance.activating:
            return self._documented_error("InstanceActivating", request_id)
        upgraded = self._upgraded(instance, call)
        if upgraded is None:
            return choice_answer(self._contract, "source-versions", request_id)
        if not call.dry_run and not instance.failing:
            self._instances[call.instance_id] = upgraded
            self.upgrades_started += 1
        return self._checks(instance, request_id)

    def _find(self, instance_id: str) -> Instance | None:
        if instance_id in self._instances or self._only_added:
            return self._instances.get(instance_id)
        return Instance(**choice_value(self._contract, "first-instances"))

    def _upgraded(self, instance: Instance, call: Call) -> Instance | None:
        """The instance with that upgrade under way, or None where it cannot be upgraded so."""
        contract = self._contract
        type_ = call.type or contract.pairing.get(call.version or "", contract.default_type)
        version = call.version or next(version for version, paired in contract.pairing.items() if paired == type_)
        sources = choice_value(contract, "source-versions").get(version, ())
        if instance.version not in sources or version in (instance.version, instance.kernel):
            return None
        changed = {"version": version} if type_ == contract.default_type else {"kernel": version}
        return replace(instance, activating=True, **changed)  # type: ignore[arg-type]  # both are texts

    def _checks(self, instance: Instance, request_id: str) -> HttpResponse:
        return checks_response(self._entries(instance.failing), request_id)

    def _entries(self, failing: frozenset[str]) -> list[dict[str, Any]]:
        if failing not in self._results:  # the same for every call, and each reads the documented sample
            names = self._contract.enum("validateType")
            entries = [check_entry(name, failed=name in failing, contract=self._contract) for name in names]
            self._results[failing] = entries
        return self._results[failing]

    def _documented_error(self, code: str, request_id: str) -> HttpResponse:
        row = next(row for row in self._contract.errors if row.code == code)
        return error_response(row.status, row.code, row.message, request_id)

    def _source_versions(self) -> tuple[str, ...]:
        sources = choice_value(self._contract, "source-versions")
        engine = [version for version, type_ in self._contract.pairing.items() if type_ == self._contract.default_type]
        return tuple(dict.fromkeys([version for row in sources.values() for version in row] + engine))

    def _versions_of_other_types(self) -> tuple[str, ...]:
        pairing = self._contract.pairing
        return tuple(version for version, type_ in pairing.items() if type_ != self._contract.default_type)


def _known(kind: str, name: Any, known: Collection[str | None]) -> None:
    if name not in known:
        raise UnknownName(kind, str(name), [str(one) for one in known])
