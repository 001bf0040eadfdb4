"""From `[NAME=]MODULE:FACTORY` to a client: every mistake on the way is one clear line.

Each line says what was got, what was expected and what to do; whose mistake it was (the option's, the
module's, the factory's) can be told from its words.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..errors import AdapterFault, ClientHung, UsageProblem
from .deadline import within
from .factory import FactoryClient, shown, told
from .shapes import safely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from ..messages import Endpoint
    from ..stage import Client

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_FORM = "[NAME=]MODULE:FACTORY, such as my_client=tests.adapter:factory"

#: Seconds that a factory may take when it is tried before the run.
_TRIAL = 10.0

#: Adapter of this kit → what it imports, as pip is told.
_SHIPPED = {
    "pytest_es_upgrade.adapters.alibabacloud": "alibabacloud-elasticsearch20170613",
    "pytest_es_upgrade.adapters.alibabacloud_1": '"alibabacloud-elasticsearch20170613<2"',
    "pytest_es_upgrade.adapters.aliyun": "aliyun-python-sdk-core aliyun-python-sdk-elasticsearch",
}

#: Option → what is said where the trial fails: of which client, and the fault.
_UNTRIED = {
    "--es-upgrade-client": "client {0!r}: {1} (tried once before the run, with an endpoint on loopback); "
    "expected def factory(endpoint) that returns a callable",
    "--es-upgrade-driver": "driver {0!r}: {1}; a script needs a first line such as #!/bin/sh, or its interpreter named",
}


@dataclass(frozen=True)
class ClientSpec:
    """The parts of `[NAME=]MODULE:FACTORY`; `factory` may be a dotted path within the module."""

    name: str
    module: str
    factory: str

    @property
    def adapter(self) -> str:
        """`MODULE:FACTORY`, as reports show it."""
        return f"{self.module}:{self.factory}"


def parse(text: str) -> ClientSpec:
    """The parts of an option's value. Raises `UsageProblem` where it is of another form."""
    given, named, rest = text.partition("=")
    name, target = (given, rest) if named else (None, text)
    module, colon, factory = target.rpartition(":")
    if not colon or not module or not factory:
        raise UsageProblem(f"client {text!r} names no module and factory; expected {_FORM}")
    _check_module(text, module)
    if not all(part.isidentifier() for part in factory.split(".")):
        raise UsageProblem(f"client {text!r}: {factory!r} is no name of a factory; expected {_FORM}")
    name = factory.rpartition(".")[2] if name is None else name
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"client {text!r}: the name {name!r} is not made of A-Z a-z 0-9 . _ - alone; "
            f"expected {_FORM}; put another NAME= before it"
        )
    return ClientSpec(name, module, factory)


def load(text: str, folders: Iterable[str]) -> FactoryClient:
    """The client that an option's value names; its module is imported with `folders` on `sys.path`.

    Raises `UsageProblem` where there is no such module or attribute, where the module does not let
    itself be imported, and where the attribute cannot be called.
    """
    spec = parse(text)
    with importable(folders) as path:
        module = _imported(spec, path)
    factory = _attribute(spec, module)
    if not callable(factory):
        raise UsageProblem(
            f"{spec.adapter} is {shown(factory)}, expected a factory, which is called with an Endpoint; "
            "name a function or class after the colon"
        )
    return FactoryClient(spec.name, spec.adapter, factory)


def try_once(client: Client, endpoint: Endpoint, seconds: float = _TRIAL) -> None:
    """Open the client and close it again. Raises `UsageProblem` where its factory does not do its part.

    Nothing is called, so nothing reaches the wire unless the factory itself connects. Of a driver only
    that it can be started is tried.
    """
    deadline = within(seconds)
    try:
        opened = client.open(endpoint, deadline)
    except (AdapterFault, ClientHung) as fault:
        raise UsageProblem(_UNTRIED[client.option].format(client.name, fault)) from None
    opened.close(deadline)


@contextmanager
def importable(folders: Iterable[str]) -> Iterator[list[str]]:
    """Have these folders first on `sys.path` for a while; gives those folders."""
    wanted = list(dict.fromkeys(folders))
    added = [folder for folder in wanted if folder not in sys.path]
    sys.path[:0] = added
    importlib.invalidate_caches()
    try:
        yield wanted
    finally:
        for folder in added:
            if folder in sys.path:  # the module may have tidied up itself
                sys.path.remove(folder)


def _check_module(text: str, module: str) -> None:
    if all(part.isidentifier() for part in module.split(".")) and not module.endswith(".py"):
        return
    dotted = re.sub(r"\.py$", "", module).replace("\\", "/").strip("./").replace("/", ".")
    if dotted != module and all(part.isidentifier() for part in dotted.split(".")):
        raise UsageProblem(
            f"client {text!r}: {module!r} is a path, expected the dotted name of a module; did you mean {dotted!r}?"
        )
    raise UsageProblem(f"client {text!r}: {module!r} is no name of a module; expected {_FORM}")


def _imported(spec: ClientSpec, path: list[str]) -> ModuleType:
    try:
        return importlib.import_module(spec.module)
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # noqa: BLE001 - a SystemExit at import is an adapter's mistake, too
        if isinstance(raised, ModuleNotFoundError) and _is_missing(spec.module, raised.name):
            problem = _no_such_module(spec, str(raised.name), path)
        else:
            where = f"{_place(raised)}{_remedy(spec, raised)}"
            problem = f"{spec.module} was found, but importing it raised {told(raised)}{where}"
    raise UsageProblem(problem)


def _remedy(spec: ClientSpec, raised: BaseException) -> str:
    """What to install, where that is what is missing."""
    if not isinstance(raised, ModuleNotFoundError):
        return ""
    package = _SHIPPED.get(spec.module)
    return "; install what it imports" if package is None else f"; install it with: pip install {package}"


def _is_missing(module: str, missing: str | None) -> bool:
    """Whether it is the module itself, or a package around it, that there is none of."""
    return missing is not None and f"{module}.".startswith(f"{missing}.")


def _no_such_module(spec: ClientSpec, missing: str, path: list[str]) -> str:
    package, _, last = missing.rpartition(".")
    within = getattr(sys.modules.get(package), "__path__", None) if package else path
    if within is None:
        return f"there is no module {spec.module!r}: {package!r} is a module, not a package"
    known = [module.name for module in pkgutil.iter_modules(list(within))]
    near = [f"{package}.{name}" if package else name for name in get_close_matches(last, known, cutoff=0.5)]
    looked = "" if package else f" in {' or '.join(path)} or elsewhere on sys.path"
    return f"there is no module {missing!r}{looked}; {_advice(near, 'check its spelling and where pytest is started')}"


def _place(raised: BaseException) -> str:
    """Where it was raised, as ` (FILE:LINE)`; empty where the import machinery itself did."""
    frames = [frame for frame in traceback.extract_tb(raised.__traceback__) if "importlib" not in frame.filename]
    frames = [frame for frame in frames if frame.filename != __file__]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _attribute(spec: ClientSpec, module: ModuleType) -> Any:
    found: Any = module
    where = spec.module
    for name in spec.factory.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise UsageProblem(_no_such_attribute(found, where, name)) from None
        except Exception as raised:  # noqa: BLE001 - a module's own __getattr__, or a property
            raise UsageProblem(f"{where}.{name} raised {told(raised)} when it was looked up") from None
        where = f"{where}.{name}"
    return found


def _no_such_attribute(owner: Any, where: str, name: str) -> str:
    known = [other for other in safely(dir, owner) or () if not other.startswith("_")]
    near = get_close_matches(name, known, cutoff=0.5)
    return f"there is no {name!r} in {where}; {_advice(near, f'define it there: def {name}(endpoint)')}"


def _advice(near: list[str], otherwise: str) -> str:
    return f"did you mean {' or '.join(map(repr, near))}?" if near else otherwise
