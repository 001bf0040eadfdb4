"""The contract as a value: everything the page says, read from the data files in `contracts/`.

Nothing else in the package knows an enumeration, a limit or a pairing. Whoever needs one takes a
`Contract`; the shipped one is only the default, and an altered one changes checks, samples and service alike.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import UnknownName
from .messages import LEVELS, WIRE_NAMES, Level, Rule, Violation

if TYPE_CHECKING:
    import sys

    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

#: (version, type); None = not given.
Target = tuple[str | None, str | None]

#: JSON is what every answer of a service needs: it is read at once, and without YAML's modules.
_DATA_FILES = (
    "operation.json",
    "request.schema.json",
    "success.schema.json",
    "error.schema.json",
    "errors.yaml",
    "samples.yaml",
    "samples/success.json",
    "rules.yaml",
    "readings.yaml",
    "choices.json",
    "untraced.yaml",
    "page.md",
)


class DocumentedError(NamedTuple):
    """A row of the page's table of error codes."""

    code: str
    status: int
    message: str
    description: str


class Parameter(NamedTuple):
    """A parameter of the operation: its name on the page, the field of `UpgradeRequest`, and where it travels."""

    name: str
    field: str
    place: str
    #: Text on the wire → value, for what is no string; empty for strings.
    texts: Mapping[str, Any]
    default: Any


class Reading(NamedTuple):
    """A place where the page contradicts itself or says nothing, and how this kit reads it."""

    id: str
    about: str
    quotes: tuple[str, ...]
    taken: str
    tolerated: tuple[str, ...]
    #: Ids of the rules that a client of a tolerated reading breaks: they never fail it.
    rules: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Contract:
    """The contract of the operation, made of `documents`: file name below `contracts/` → its content.

    JSON and YAML files are parsed; Markdown and samples are text. Alter a copy and make another
    `Contract` of it to change what every check, strategy, sample and the service go by.
    """

    documents: Mapping[str, Any]

    def altered_documents(self) -> dict[str, Any]:
        """A deep copy of the documents, to be altered and made into another `Contract`."""
        return copy.deepcopy(dict(self.documents))

    @cached_property
    def sha256(self) -> str:
        """A digest of all documents, by which reports of different contracts are told apart."""
        return hashlib.sha256(json.dumps(dict(self.documents), sort_keys=True, default=str).encode()).hexdigest()

    # --- the operation ---

    @property
    def operation(self) -> str:
        """The operation's name."""
        return str(self.documents["operation.json"]["operation"])

    @property
    def version(self) -> str:
        """The version of the API, as it stands in the page's link."""
        return str(self.documents["operation.json"]["version"])

    @cached_property
    def method(self) -> str:
        """The HTTP method (rule `request.method`)."""
        return str(self.documents["operation.json"]["method"])

    @cached_property
    def path_template(self) -> str:
        """The path with `{InstanceId}` where the id goes (rule `request.path`)."""
        return str(self.documents["operation.json"]["path"])

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by their names on the page."""
        rows: Mapping[str, Mapping[str, Any]] = self.documents["operation.json"]["parameters"]
        return {
            name: Parameter(name, row["field"], row["in"], row.get("texts", {}), row.get("default"))
            for name, row in rows.items()
        }

    @cached_property
    def errors(self) -> tuple[DocumentedError, ...]:
        """The documented errors, in the page's order."""
        return tuple(DocumentedError(**row) for row in self.documents["errors.yaml"])

    # --- schemas, and what they say ---

    @cached_property
    def request_schema(self) -> Mapping[str, Any]:
        """JSON Schema of a call: its values by the place where each travels."""
        schema: Mapping[str, Any] = self.documents["request.schema.json"]
        return schema

    @property
    def success_schema(self) -> Mapping[str, Any]:
        """JSON Schema of the body of a success answer."""
        schema: Mapping[str, Any] = self.documents["success.schema.json"]
        return schema

    @property
    def error_schema(self) -> Mapping[str, Any]:
        """JSON Schema of the body of an error answer."""
        schema: Mapping[str, Any] = self.documents["error.schema.json"]
        return schema

    @property
    def versions(self) -> tuple[str, ...]:
        """The documented values of `version` (rule `request.version.value`)."""
        return tuple(self.request_schema["$defs"]["version"]["then"]["enum"])

    @property
    def types(self) -> tuple[str, ...]:
        """The documented values of `type` (rule `request.type.value`)."""
        return tuple(self.request_schema["$defs"]["type"]["then"]["enum"])

    @cached_property
    def default_type(self) -> str:
        """The type that holds where none is given."""
        return str(self.parameters["type"].default)

    @property
    def token_length(self) -> int:
        """How many characters a clientToken may have (rule `request.client_token.length`)."""
        return int(self.request_schema["$defs"]["clientToken"]["maxLength"])

    @cached_property
    def pairing(self) -> Mapping[str, str]:
        """From a version to the one type that belongs to it (rule `request.pairing`)."""
        rows = self.request_schema["properties"]["body"]["allOf"]
        return {row["if"]["properties"]["version"]["const"]: row["then"]["properties"]["type"]["const"] for row in rows}

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The valid (version, type), those with fewer values first."""
        return tuple(target for target in self._all_targets() if self.judge_target(*target) == "valid")

    @cached_property
    def open_targets(self) -> tuple[Target, ...]:
        """The (version, type) that the page leaves open: never a violation, never asked for."""
        return tuple(target for target in self._all_targets() if self.judge_target(*target) == "open")

    @cached_property
    def mismatched_targets(self) -> tuple[Target, ...]:
        """The (version, type) of documented values that do not belong together."""
        return tuple(target for target in self._all_targets() if self.judge_target(*target) == "mismatched")

    def judge_target(self, version: str | None, type_: str | None) -> str:
        """Tells `valid`, `open` or `mismatched`, for documented values or None."""
        if version is not None and type_ is not None:
            return "valid" if self.pairing.get(version, type_) == type_ else "mismatched"
        implied = version if version is None else self.pairing.get(version, self.default_type)
        given = type_ or implied
        return "valid" if given in (None, self.default_type) else "open"

    def _all_targets(self) -> Iterator[Target]:
        for version in (None, *self.versions):
            for type_ in (None, *self.types):
                yield version, type_

    def enum(self, name: str) -> tuple[str, ...]:
        """The documented values of `validateType`, `status` or `errorType` in an answer."""
        for definition in self.success_schema["$defs"].values():
            if name in definition["properties"]:
                return tuple(definition["properties"][name]["then"]["enum"])
        raise UnknownName("member with documented values", name, ("validateType", "status", "errorType"))

    # --- rules and readings ---

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The catalogue of rules by id."""
        rows: Mapping[str, Mapping[str, Any]] = self.documents["rules.yaml"]
        return {
            id_: Rule(id_, _level(row["level"]), row["title"], row["source"], row["quote"]) for id_, row in rows.items()
        }

    @cached_property
    def readings(self) -> Mapping[str, Reading]:
        """The readings by id."""
        rows: Mapping[str, Mapping[str, Any]] = self.documents["readings.yaml"]
        return {
            id_: Reading(
                id_, row["about"], tuple(row["quotes"]), row["taken"], tuple(row["tolerated"]), tuple(row["rules"])
            )
            for id_, row in rows.items()
        }

    def reading_of(self, rule_id: str) -> Reading | None:
        """The reading under which breaking that rule is tolerated, or None."""
        return next((reading for reading in self.readings.values() if rule_id in reading.rules), None)

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id. Raises `UnknownName` with the near ones."""
        try:
            return self.rules[rule_id]
        except KeyError:
            raise UnknownName("rule", rule_id, self.rules) from None

    def violation(self, rule_id: str, where: str, got: str, expected: str, hint: str = "") -> Violation:
        """A violation of that rule; without a hint it has the catalogue's."""
        return Violation(self.rule(rule_id), where, got, expected, hint or self.hint(rule_id))

    def hint(self, rule_id: str) -> str:
        """What to do where that rule is broken, in the catalogue's words; empty where it says nothing."""
        return self._said(rule_id, "hint")

    def why(self, rule_id: str) -> str:
        """What goes wrong for the caller or the cluster where that rule is broken; empty where nothing is said."""
        return self._said(rule_id, "why")

    def _said(self, rule_id: str, key: str) -> str:
        return str(self.documents["rules.yaml"].get(rule_id, {}).get(key, ""))

    def target_path(self, encoded_id: str) -> str:
        """The operation's path for an id that is percent-encoded already."""
        return self.path_template.replace("{InstanceId}", encoded_id)


@lru_cache(maxsize=1)
def shipped_contract() -> Contract:
    """The contract that travels with the package, read once."""
    return Contract(_ShippedDocuments())


class _ShippedDocuments(Mapping[str, Any]):
    """The shipped files by name, each read where it is first asked for: most of them only where something is wrong."""

    def __init__(self) -> None:
        self._parsed: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._parsed and name in _DATA_FILES:
            self._parsed[name] = _parsed(name, _read(name))
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_DATA_FILES)

    def __len__(self) -> int:
        return len(_DATA_FILES)


def data_file(name: str) -> Any:
    """One file of `contracts/` that is no part of a `Contract`, such as the schema of a file that users write."""
    return _parsed(name, _read(name))


def _read(name: str) -> str:
    return _folder().joinpath(*name.split("/")).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _folder() -> Traversable:
    return resources.files("pytest_es_upgrade.contracts")


def _parsed(name: str, text: str) -> Any:
    if name.endswith(".yaml"):
        import yaml

        # The C loader where PyYAML has it: every process that finds something wrong pays for this.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    # a sample is kept as it was shown
    return json.loads(text) if name.endswith(".json") and not name.startswith("samples/") else text


def _level(text: str) -> Level:
    return next(level for level in LEVELS if level == text)


__all__ = [
    "WIRE_NAMES",
    "Contract",
    "DocumentedError",
    "Parameter",
    "Reading",
    "Target",
    "shipped_contract",
]
