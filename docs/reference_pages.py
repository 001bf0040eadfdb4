"""The pages of docs/reference/ that are made from docstrings, options and help texts."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click
from contract_pages import GENERATED, prose

from pytest_es_upgrade import messages, rules, signatures, standin, strategies
from pytest_es_upgrade.cli.commands import command
from pytest_es_upgrade.contract import Contract, Reading, shipped_contract
from pytest_es_upgrade.plugin import OPTIONS
from pytest_es_upgrade.plugin import fixtures as of_fixtures

#: Characters of a signature in one line.
_WIDTH = 90


class Part(NamedTuple):
    """Something with a docstring: under which name it is told, and which of its methods are."""

    name: str
    thing: Any
    methods: Sequence[str] = ()


_ON_A_SERVICE = (
    *("journal", "events", "started", "upgrades_started", "upgrades_of", "upgrades_under", "script_left"),
    *("reply_with", "add_instance", "ready_again", "fail_with", "stop_failing", "check_signatures", "advance", "watch"),
    "reset",
)
_ABOUT_REQUESTS = ("path", "query", "header", "header_values")

#: Page → its title, what stands at its top, and what it tells of.
PAGES: Mapping[str, tuple[str, str, Sequence[Part]]] = {
    "messages": (
        "Messages and checks",
        "What everything speaks of, importable from `pytest_es_upgrade`. All values are immutable.",
        [
            Part("check_request", rules.check_request),
            Part("check_response", rules.check_response),
            Part("UpgradeRequest", messages.UpgradeRequest, ("given", "as_code")),
            Part("Endpoint", messages.Endpoint, ("scheme", "host", "port", "netloc")),
            Part("HttpRequest", messages.HttpRequest, _ABOUT_REQUESTS),
            Part("HttpResponse", messages.HttpResponse, ("header",)),
            Part("Exchange", messages.Exchange),
            Part("ServiceEvent", messages.ServiceEvent),
            Part("Outcome", messages.Outcome),
            Part("ErrorInfo", messages.ErrorInfo),
            Part("Rule", messages.Rule),
            Part("Violation", messages.Violation),
            Part(
                "Contract", Contract, ("altered_documents", "rule", "why", "hint", "reading_of", "judge_target", "enum")
            ),
            Part("shipped_contract", shipped_contract),
            Part("Reading", Reading),
        ],
    ),
    "fixtures": (
        "Fixtures",
        "They are there in every test once the package is installed, and work without any option.",
        [],
    ),
    "strategies": (
        "Strategies",
        inspect.getdoc(strategies) or "",
        [Part(name, getattr(strategies, name)) for name in strategies.__all__],
    ),
    "service": (
        "The stand-in service",
        (
            "What `es_upgrade_server` and `es_upgrade_responses` give, and `StandIn` without pytest: "
            "`with StandIn() as service: ...`. What it decides where the page is open stands in [the choices]"
            "(../contract/choices.md); as a process it is [`es-upgrade serve`](../how-to/serve.md)."
        ),
        [Part("StandIn", standin.StandIn, (*_ON_A_SERVICE, "present", "close"))],
    ),
    "signatures": (
        "Signatures",
        (
            "`pytest_es_upgrade.signatures`: what is verified, and what a scheme leaves open, is told in "
            "[the explanation](../explanation/signatures.md)."
        ),
        [Part(name, getattr(signatures, name)) for name in ("verify", "signature_scheme", "repeated_nonces")],
    ),
}


def pages() -> Iterator[tuple[str, str]]:
    """Every page: (path below docs/, text)."""
    yield "reference/options.md", _joined(_options())
    yield "reference/command.md", _joined(_commands())
    for name, (title, about, parts) in PAGES.items():
        told = _fixtures() if name == "fixtures" else _parts(parts)
        yield f"reference/{name}.md", _joined([f"# {title}", "", about, "", *told])


def _joined(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join([GENERATED, "", *lines]).rstrip() + "\n"


# --- docstrings -------------------------------------------------------------------------------------


def _parts(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        yield from _told(part.name, part.thing, "##")
        for name in part.methods:
            member = inspect.getattr_static(part.thing, name)
            yield from _told(f"{part.name}.{name}", _function(member), "###")


def _told(name: str, thing: Any, level: str) -> Iterator[str]:
    yield from (f'<a id="{name}"></a>', "", f"{level} `{name}`", "")
    if callable(thing):
        yield from ("```python", f"{name.rpartition('.')[2]}{_signature(thing)}", "```", "")
    yield from (_doc(thing), "")


def _function(member: Any) -> Any:
    """A method, or the docstring of a property: that is no call."""
    return member if inspect.isfunction(member) else _Value(inspect.getdoc(member) or "")


class _Value:
    """Something that is looked at and not called."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc


def _signature(thing: Any) -> str:
    signature = inspect.signature(thing)
    kept = [
        parameter.replace(annotation=_bare(parameter.annotation))
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    returned = inspect.Signature.empty if inspect.isclass(thing) else _bare(signature.return_annotation)
    whole = signature.replace(parameters=kept, return_annotation=returned)
    text, end = str(whole), str(whole.replace(parameters=[])).removeprefix("()")
    if len(text) <= _WIDTH:
        return text
    bare = whole.replace(return_annotation=inspect.Signature.empty)
    lines = [str(bare.replace(parameters=[one]))[1:-1] for one in kept]
    apart = ["*"] * any(line.startswith("*, ") for line in lines)
    first = next((number for number, line in enumerate(lines) if line.startswith("*, ")), len(lines))
    told = [*lines[:first], *apart, *(line.removeprefix("*, ") for line in lines[first:])]
    return "\n".join(["(", *(f"    {one}," for one in told), f"){end}"])


def _bare(annotation: Any) -> Any:
    """An annotation that is shown as it is written in the source."""
    text = getattr(annotation, "__forward_arg__", annotation)  # NamedTuple keeps its annotations so
    return _Written(text) if isinstance(text, str) else annotation


class _Written(NamedTuple):
    text: str

    def __repr__(self) -> str:
        return self.text


def _doc(thing: Any) -> str:
    """A docstring, whose indented examples are blocks of code."""
    doc = inspect.getdoc(thing) or ""
    constructor = inspect.getdoc(thing.__init__) if inspect.isclass(thing) and "__init__" in vars(thing) else None
    if constructor and not dataclasses.is_dataclass(thing) and "Initialize self" not in constructor:
        doc = f"{doc}\n\n{constructor}"
    return doc.replace("*args", "\\*args")


def _fixtures() -> Iterator[str]:
    from pytest_es_upgrade import plugin

    names = ("server", "endpoint", "responses", "sample", "client", "client_factory")
    for name in (f"es_upgrade_{name}" for name in names):
        yield from (f'<a id="{name}"></a>', "", f"## `{name}`", "", inspect.getdoc(_of_fixture(plugin, name)) or "", "")
    yield from ("`es_upgrade_server` and `es_upgrade_responses` have the methods of [the stand-in](service.md).", "")
    yield from _parts(
        [
            Part("ClientUnderTest", of_fixtures.ClientUnderTest, ("call", "check", "reset")),
            Part("Sample", of_fixtures.Sample, ("check",)),
            Part("Responses", of_fixtures.Responses, ("patch",)),
        ]
    )


def _of_fixture(module: Any, name: str) -> Callable[..., Any]:
    """The function behind a fixture, however this pytest wraps it."""
    made = getattr(module, name)
    return inspect.unwrap(getattr(made, "_fixture_function", made))


# --- options and commands ---------------------------------------------------------------------------


def _options() -> Iterator[str]:
    yield from ("# Options", "")
    yield from prose(
        "Of pytest, in the group `es-upgrade` of `pytest --help`. Each has an ini key, and the command line replaces "
        "the ini file. Repeatable options are lists there, one value a line."
    )
    yield from ("| option | ini key | meaning |", "|---|---|---|")
    for name, (how, ini_type, text) in OPTIONS.items():
        value = how.get("metavar") or "\\|".join(how.get("choices", ()))
        option = f"--es-upgrade{name}" + (f"={value}" if value else "")
        key = f"es_upgrade{name.replace('-', '_')}"
        yield f"| `{option}` | `{key}` ({ini_type}) | {text} |"
    yield ""
    yield from prose("An ini file that asks for the suite in every run:")
    yield from ("<!-- ini -->", "```ini", "[pytest]", "es_upgrade = true", "es_upgrade_client =")
    yield from ("    mine=contract_client:client", "es_upgrade_level = should", "```", "")
    yield from prose(
        "A verdict is one of `passed`, `failed`, `tolerated`, `known`, `stale` and `not_testable`; what they mean, "
        "and what the levels do, is told in [Why fair, and why sharp](../explanation/fair-and-sharp.md)."
    )
    yield "| exit code | means |"
    yield "|---|---|"
    yield "| 0 | every case that was judged passed, was tolerated or is known |"
    yield "| 1 | a case failed, or nothing was judged, or a report could not be written in the end |"
    yield "| 4 | a mistake in an option or a file: one line says which, before any test runs |"
    yield "| others | are pytest's own |"


def _commands() -> Iterator[str]:
    yield from ("# The command `es-upgrade`", "")
    yield from prose(
        "It needs the extra `cli`: `pip install 'pytest-es-upgrade[cli]'`. Mistakes of yours end in one line on "
        "standard error and exit code 4; a name that `explain` does not know, in 2."
    )
    yield from _help("es-upgrade", command)
    with click.Context(command) as context:
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from (f"## {name}", "", *_help(f"es-upgrade {name}", inner))


def _help(name: str, of: click.Command) -> Iterator[str]:
    with click.Context(of, info_name=name, terminal_width=80, max_content_width=80, **command.context_settings) as made:
        yield from (f"<!-- help: {name} -->", "```text", *of.get_help(made).splitlines(), "```", "")
