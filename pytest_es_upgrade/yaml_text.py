"""YAML files that people write: read with the line of every key, so that a mistake can be told where it is."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from .errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class YamlMapping(dict[Any, Any]):
    """A mapping of a file that knows the line of each of its keys; a key that a YAML merge brought in has none."""

    lines: Mapping[Any, int]


def read_text(path: Path, kind: str) -> str:
    """The file's text. `kind` says what file it is to be. Raises `UsageProblem` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise UsageProblem(f"{kind} {str(path)!r} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise UsageProblem(f"{kind} {str(path)!r} is not UTF-8 (byte {problem.start})") from None


def parse_yaml(text: str, name: str, kind: str) -> Any:
    """The text as a document; `name` is the file's. A key that stands twice is an error. Raises `UsageProblem`."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise problem_at(kind, name, mark.line + 1 if mark else 1, problem.problem or "no YAML") from None
    except (yaml.YAMLError, ValueError, TypeError) as problem:  # a date such as 2027-13-99; a list as a key
        raise problem_at(kind, name, None, f"no YAML: {' '.join(str(problem).split())}") from None


def problem_at(kind: str, name: str, line: int | None, text: str) -> UsageProblem:
    """A mistake in that file, at that line where one is known."""
    return UsageProblem(f"{kind} {name}{f':{line}' if line else ''}: {text}")


def near(name: str, known: Sequence[str]) -> str:
    """What was perhaps meant, or else what there is."""
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"


def shown(value: Any) -> str:
    """A value as an error shows it: cut, on one line, with its type."""
    text = " ".join(repr(value).split())
    return f"{text[:80]}{'…' if len(text) > 80 else ''} ({type(value).__name__})"


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, which would silently hide an entry."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> YamlMapping:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = _key(loader, key_node)
        line = key_node.start_mark.line + 1
        if key in lines:
            raise yaml.MarkedYAMLError(
                problem=f"the key {key!r} is there twice (line {lines[key]} too)", problem_mark=key_node.start_mark
            )
        lines[key] = line
    mapping = YamlMapping(loader.construct_mapping(node, deep=True))
    mapping.lines = lines
    return mapping


def _key(loader: _Loader, node: yaml.Node) -> Any:
    """A key as a value; `<<`, and what can be no key, as what it is written as."""
    if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:merge":
        return loader.construct_object(node, deep=True)
    return node.tag


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
