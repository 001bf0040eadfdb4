"""From `[NAME=]MODULE:FACTORY` to a client; each mistake is one line that says what to do."""

from __future__ import annotations

import importlib
import sys
import threading
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade import adapters
from pytest_es_upgrade.client import loading
from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.client.loading import ClientSpec, importable, load, parse, try_once
from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.messages import Endpoint

ENDPOINT = Endpoint("http://127.0.0.1:1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for modules, which are forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]
    importlib.invalidate_caches()


def problem(text, *folders):
    with pytest.raises(UsageProblem) as caught:
        load(text, map(str, folders))
    line = str(caught.value)
    assert "\n" not in line
    assert line
    return line


SPECS = {
    "adapter_x:factory": ClientSpec("factory", "adapter_x", "factory"),
    "mine=adapter_x:factory": ClientSpec("mine", "adapter_x", "factory"),
    "a.b-c_1=pkg.mod:Class.make": ClientSpec("a.b-c_1", "pkg.mod", "Class.make"),
    "pkg.mod:Class.make": ClientSpec("make", "pkg.mod", "Class.make"),
    "x=mod:größe": ClientSpec("x", "mod", "größe"),
}


@pytest.mark.parametrize(("text", "spec"), SPECS.items(), ids=SPECS)
def test_the_parts_of_an_option(text, spec):
    assert parse(text) == spec
    assert spec.adapter == text.rpartition("=")[2]


MISTAKES = {
    "": "names no module and factory; expected [NAME=]MODULE:FACTORY",
    "mod": "names no module and factory",
    "mod:": "names no module and factory",
    ":factory": "names no module and factory",
    "x=": "names no module and factory",
    "mod:fac tory": "'fac tory' is no name of a factory",
    "mod:factory()": "'factory()' is no name of a factory",
    "mod:a..b": "'a..b' is no name of a factory",
    "my client=mod:factory": "the name 'my client' is not made of",
    "=mod:factory": "the name '' is not made of",
    "mod:größe": "put another NAME= before it",
    "tests/adapter.py:factory": "is a path, expected the dotted name of a module; did you mean 'tests.adapter'?",
    ".\\tests\\adapter.py:factory": "did you mean 'tests.adapter'?",
    "adapter.py:factory": "did you mean 'adapter'?",
    "my-adapter:factory": "'my-adapter' is no name of a module",
    "./my-adapter.py:factory": "'./my-adapter.py' is no name of a module",
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=MISTAKES)
def test_an_option_of_another_form(text, words):
    assert words in problem(text)


@given(st.text())
def test_any_option_is_parsed_or_explained(text):
    try:
        spec = parse(text)
    except UsageProblem as raised:
        assert "\n" not in str(raised)  # noqa: PT017 - either end is right
    else:
        assert spec.name


def test_a_factory_is_found(folder):
    (folder / "adapter_a.py").write_text("class Client:\n    @staticmethod\n    def make(endpoint): return print\n")
    before = list(sys.path)
    client = load("mine=adapter_a:Client.make", [str(folder), str(folder)])
    assert (client.name, client.adapter) == ("mine", "adapter_a:Client.make")
    assert client.factory(None) is print
    assert sys.path == before


def test_the_folders_are_importable_from_while_the_module_is_imported(folder):
    (folder / "adapter_helper.py").write_text("def factory(endpoint): return print")
    (folder / "adapter_b.py").write_text("from adapter_helper import factory")
    assert load("adapter_b:factory", [str(folder)]).factory.__module__ == "adapter_helper"


def test_what_is_on_the_path_already_stays_there(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    with importable([str(folder)]):
        assert sys.path.count(str(folder)) == 1
    assert str(folder) in sys.path


def test_a_module_may_tidy_up_the_path_itself(folder):
    with importable([str(folder)]):
        sys.path.remove(str(folder))
    assert str(folder) not in sys.path


def test_a_missing_module_names_the_near_ones(folder):
    (folder / "my_adapter.py").write_text("")
    line = problem("my_adaptor:factory", folder)
    assert f"there is no module 'my_adaptor' in {folder} or elsewhere on sys.path" in line
    assert "did you mean 'my_adapter'?" in line
    assert "check its spelling" in problem("nothing_like_it:factory", folder)


def test_a_missing_module_of_a_package_names_the_near_ones(folder):
    (folder / "adapter_pkg").mkdir()
    (folder / "adapter_pkg" / "__init__.py").write_text("")
    (folder / "adapter_pkg" / "client.py").write_text("")
    assert problem("adapter_pkg.cleint:factory", folder).endswith("did you mean 'adapter_pkg.client'?")
    assert "there is no module 'adapter_pgk'" in problem("adapter_pgk.client:factory", folder)
    line = problem("adapter_pkg.client.deeper:factory", folder)
    assert line == "there is no module 'adapter_pkg.client.deeper': 'adapter_pkg.client' is a module, not a package"


BROKEN = {
    "import no_such_module_anywhere": "ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    "raise ModuleNotFoundError": "ModuleNotFoundError",
    "raise ValueError('two\\nlines')": "ValueError: two lines",
    "raise SystemExit(3)": "SystemExit: 3",
    "import pytest; pytest.skip('not here', allow_module_level=True)": "Skipped",
    "def broken(:": "SyntaxError",
}


@pytest.mark.parametrize(("source", "words"), BROKEN.items(), ids=BROKEN)
def test_a_module_that_cannot_be_imported(folder, source, words):
    (folder / "adapter_broken.py").write_text(f"{source}\n")
    line = problem("adapter_broken:factory", folder)
    assert line.startswith("adapter_broken was found, but importing it raised ")
    assert words in line
    assert ".py:" in line or "adapter_broken.py, line 1" in line
    assert line.endswith("; install what it imports") == ("ModuleNotFoundError" in words)


SHIPPED = {
    "alibabacloud": "alibabacloud-elasticsearch20170613",
    "alibabacloud_1": '"alibabacloud-elasticsearch20170613<2"',
    "aliyun": "aliyun-python-sdk-core aliyun-python-sdk-elasticsearch",
}


def test_every_adapter_of_the_kit_names_what_it_imports():
    folder = Path(adapters.__file__).parent
    named = {f"{adapters.__name__}.{path.stem}" for path in folder.glob("*.py")}
    assert set(loading._SHIPPED) == named - {f"{adapters.__name__}.{name}" for name in ("__init__", "tea")}
    assert {name.rpartition(".")[2] for name in loading._SHIPPED} == set(SHIPPED)


@pytest.mark.parametrize(("name", "package"), SHIPPED.items(), ids=SHIPPED)
def test_an_adapter_without_its_sdk_says_what_to_install(name, package, monkeypatch):
    module = f"{adapters.__name__}.{name}"

    def imported(wanted):
        assert wanted == module
        raise ModuleNotFoundError("No module named 'sdk'", name="sdk")

    monkeypatch.setattr(importlib, "import_module", imported)
    line = problem(f"{module}:client")
    assert line.startswith(f"{module} was found, but importing it raised ModuleNotFoundError: No module named 'sdk'")
    assert line.endswith(f"; install it with: pip install {package}")


def test_ctrl_c_while_importing_gets_through(folder):
    (folder / "adapter_slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load("adapter_slow:factory", [str(folder)])


def test_a_missing_attribute_names_the_near_ones(folder):
    (folder / "adapter_c.py").write_text("class Client: make = staticmethod(print)\n")
    assert problem("adapter_c:Cleint.make", folder) == "there is no 'Cleint' in adapter_c; did you mean 'Client'?"
    assert problem("adapter_c:Client.mak", folder) == "there is no 'mak' in adapter_c.Client; did you mean 'make'?"
    assert "define it there: def zzz(endpoint)" in problem("adapter_c:zzz", folder)


def test_an_attribute_that_cannot_be_looked_up(folder):
    (folder / "adapter_d.py").write_text("def __getattr__(name): raise RuntimeError('no')\n")
    assert problem("adapter_d:factory", folder) == "adapter_d.factory raised RuntimeError: no when it was looked up"


def test_an_attribute_that_cannot_be_called(folder):
    (folder / "adapter_e.py").write_text("factory = 7\nimport json\n")
    assert "adapter_e:factory is 7 (int), expected a factory" in problem("adapter_e:factory", folder)
    assert "name a function or class after the colon" in problem("adapter_e:json", folder)


def test_a_good_factory_is_tried_and_closed():
    closed = []

    async def factory(endpoint):
        assert endpoint is ENDPOINT

        def call(request):
            raise AssertionError("not to be called")

        call.close = lambda: closed.append(1)
        return call

    try_once(FactoryClient("mine", "mod:factory", factory), ENDPOINT)
    assert closed == [1]


def raising(endpoint):
    raise ValueError("no key")


TRIED = {
    "raises": (raising, "the factory mod:factory raised ValueError: no key"),
    "signature": (lambda: print, "takes one argument, the Endpoint"),
    "nothing callable": (lambda endpoint: None, "returned None, expected a callable"),
}


@pytest.mark.parametrize(("factory", "words"), TRIED.values(), ids=TRIED)
def test_a_factory_that_does_not_do_its_part(factory, words):
    with pytest.raises(UsageProblem) as caught:
        try_once(FactoryClient("mine", "mod:factory", factory), ENDPOINT)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("client 'mine': ")
    assert words in line


def test_a_factory_that_does_not_come_back():
    release = threading.Event()
    with pytest.raises(UsageProblem, match="did not return in time"):
        try_once(FactoryClient("mine", "mod:factory", lambda endpoint: release.wait(20)), ENDPOINT, seconds=0)
    release.set()


def test_a_module_without_a_place_is_told_without_one():
    assert loading._place(ValueError()) == ""
    assert isinstance(loading, types.ModuleType)
