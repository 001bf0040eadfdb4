"""`es-upgrade report`: reports become one, and what does not belong together is refused in one line."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from pytest_es_upgrade.cli.commands import run
from pytest_es_upgrade.report import merge
from pytest_es_upgrade.results import report_document

CONTRACT = {"operation": "UpgradeEngineVersion", "version": "2017-06-13", "sha256": "0" * 64}


def case(id_, verdict="passed"):
    return {
        "id": id_,
        "family": id_.partition(".")[0],
        "level": "must",
        "rules": ["request.method"],
        "title": "Decides it.",
        "verdict": verdict,
        "reason": None if verdict == "passed" else "it was so",
        "seconds": 0.01,
        "violations": [],
        "calls": [],
        "upgrades_started": 0,
        "example": None,
    }


def document(clients, **heading):
    """A report of `{client: {case id: verdict}}`."""
    results = [
        {"client": name, "adapter": f"clients:{name}", "case": case(id_, verdict)}
        for name, cases in clients.items()
        for id_, verdict in cases.items()
    ]
    names = [(name, f"clients:{name}") for name in clients]
    return report_document({"contract": CONTRACT, "profile": "quick", "level": "must", **heading}, names, results)


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command over documents that are written to a.json, b.json, …; its code, and what it says."""
    monkeypatch.chdir(tmp_path)

    def call(*documents, to=("all.json",), more=()):
        files = []
        for letter, given in zip("abcdef", documents, strict=False):
            Path(f"{letter}.json").write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
            files.append(f"{letter}.json")
        code = run(["report", *files, *more, *(f"--to={target}" for target in to)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def merged():
    return json.loads(Path("all.json").read_text(encoding="utf-8"))


def test_two_clients_stand_side_by_side(command):
    code, said = command(document({"one": {"request.a": "passed"}}), document({"two": {"request.a": "failed"}}))
    assert code == 0
    assert [client["name"] for client in merged()["clients"]] == ["one", "two"]
    assert said == (
        "one keeps the contract at level must in 1 judged case\n"
        "two breaks the contract at level must: 1 of 1 judged cases did not pass\n"
        "report in all.json\n"
    )


def test_parts_of_one_client_become_one_and_are_counted_anew(command):
    first = document({"one": {"request.b": "passed", "request.c": "failed"}})
    second = document({"one": {"error.a": "known", "request.c": "failed"}, "two": {"error.a": "passed"}})
    command(first, second, first)
    one, two = merged()["clients"]
    assert [item["id"] for item in one["cases"]] == ["request.b", "request.c", "error.a"]
    assert one["summary"] == {"passed": 1, "failed": 1, "tolerated": 0, "known": 1, "stale": 0, "not_testable": 0}
    assert two["summary"]["passed"] == 1


def part(cases, **extent):
    given = document({"one": dict.fromkeys(cases, "passed")})
    given["clients"][0] |= extent
    return given


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([part(["a.a"], selected=1, of=2), part(["a.b"], selected=1, of=2)], "2 judged cases"),
        (
            [part(["a.a"], selected=1, of=3), part(["a.b"], selected=1, of=3)],
            "2 judged cases; 1 of 3 cases was not run",
        ),
        ([part(["a.a"], selected=2, of=2, interrupted=True), part(["a.b"], selected=1, of=2)], "2 judged cases"),
        (
            [part(["a.a"], selected=3, of=3, interrupted=True), part(["a.b"], selected=1, of=3)],
            "2 judged cases; stopped after 2 of 3 cases",
        ),
        ([part(["a.a"], selected=1, of=2), part(["a.b"])], "2 judged cases"),
        ([part(["a.a"]), part(["a.b"])], "2 judged cases"),
    ],
)
def test_what_no_part_has_run_is_told(command, parts, words):
    _, said = command(*parts)
    assert said.splitlines()[0] == f"one keeps the contract at level must in {words}"


def test_it_ends_when_the_last_of_them_ended(command):
    early, late = "2026-11-24T10:00:00+00:00", "2026-11-24T11:00:00+00:00"
    command(document({"one": {}}, ended=late), document({"two": {}}, ended=early), document({"three": {}}))
    assert merged()["ended"] == late


def test_one_report_alone_is_only_written_anew(command):
    given = document({"one": {"request.a": "passed"}, "none": {}})
    code, _ = command(given, to=("all.json", "all.md"))
    assert code == 0
    assert merged() == given
    assert "request" in Path("all.md").read_text(encoding="utf-8")


def test_merging_leaves_what_it_was_given(command):
    given = [document({"one": {"request.a": "passed"}}), document({"one": {"request.b": "passed"}})]
    before = copy.deepcopy(given)
    merge([("a", given[0]), ("b", given[1])])
    assert given == before


OTHER = {**CONTRACT, "sha256": "1" * 64}
REFUSED = {
    "contract": (
        [document({"one": {}}), document({"two": {}}, contract=OTHER)],
        "a.json and b.json judge by different contracts: UpgradeEngineVersion 2017-06-13 (000000000000) and Upgrade",
    ),
    "level": (
        [document({"one": {}}), document({"two": {}}), document({"two": {}}, level="should")],
        "a.json and c.json were made at different levels: must and should",
    ),
    "profile": (
        [document({"one": {}}), document({"two": {}}, profile="ci")],
        "a.json and b.json were made with different profiles: quick and ci",
    ),
    "verdicts": (
        [document({"one": {"request.a": "passed"}}), document({"one": {"request.a": "failed"}})],
        "one: request.a is passed in a.json and failed in b.json; merge the reports of one run only, or give the",
    ),
    "names": (
        [document({"one": {}}), json.dumps(document({"one": {}})).replace("clients:one", "others:one")],
        "'one' is clients:one in a.json and others:one in b.json; name them apart: --es-upgrade-client=NAME=",
    ),
    "no json": (["<html>"], "report 'a.json' is no JSON: Expecting value: line 1 column 1"),
    "no text": (["\ud800".encode("utf-8", "surrogatepass").decode("latin-1")], "report 'a.json' is no JSON: "),
    "no report": (["[]"], "report 'a.json' is no report of this kit: [] is not of type 'object'"),
    "other json": (['{"name": "package"}'], "report 'a.json' is no report of this kit: 'format' is a required"),
    "another version of the kit": (
        [document({"one": {}}, kit={"name": "k", "version": "1"}), document({"two": {}})],
        "a.json and b.json were made by different versions of this kit: k 1 and None",
    ),
    "half a letter": (['{"x": "\\ud800"}'], "report 'a.json' is no JSON: 'utf-8' codec can't encode"),
    "nested without end": (["[" * 200_000], "report 'a.json' is no JSON: "),
    "later format": (
        [{**document({"one": {}}), "format": 2}],
        "report 'a.json' is no report of this kit: at /format: 1 was expected",
    ),
}


@pytest.mark.parametrize(("documents", "told"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_belong_together_is_refused(command, documents, told):
    code, said = command(*documents)
    assert code == 4
    assert said.startswith(f"es-upgrade: {told}")
    assert said.count("\n") == 1
    assert not Path("all.json").exists()


@pytest.mark.parametrize(
    ("to", "more", "told"),
    [
        (("all.xml",), (), "report 'all.xml': unknown suffix '.xml'"),
        (("none/all.json",), (), "report 'none/all.json': there is no folder 'none'"),
        ((), (), "Missing option '--to'"),
        (("all.json",), ("missing.json",), "report 'missing.json' cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(command, to, more, told):
    code, said = command(document({"one": {}}), to=to, more=more)
    assert code == 4
    assert said.startswith(f"es-upgrade: {told}")
    assert said.count("\n") == 1
    assert not Path("all.json").exists()


def test_without_a_report_there_is_nothing_to_do(command):
    code, said = command()
    assert (code, said) == (4, "es-upgrade: Missing argument 'REPORT.json...'.\n")


def test_a_disk_that_is_full_is_told(command, monkeypatch):
    def full(path, document):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pytest_es_upgrade.cli.reporting.write", full)
    code, said = command(document({"one": {}}))
    assert code == 4
    assert said.endswith("es-upgrade: the report all.json could not be written: No space left on device\n")
