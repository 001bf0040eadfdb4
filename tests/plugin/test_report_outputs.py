"""The outputs of real runs: they have the published shape, they agree with each other, and JUnit's properties."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from jsonschema import Draft202012Validator

from pytest_es_upgrade import UpgradeRequest, Violation
from pytest_es_upgrade.contract import data_file, shipped_contract
from pytest_es_upgrade.report import verdict_sentence, write
from pytest_es_upgrade.results import VERDICTS

SCHEMA = Draft202012Validator(data_file("report.schema.json"))
KNOWN = """
clients:
  forgetful:
    request.given.dry_run_true: {reason: "an old bug", rule: sent.dry_run, link: "https://example.org/1"}
    request.method: {reason: "a mended bug"}
"""
FAMILIES = ("request", "signature", "idempotency")
#: One case of each verdict for that client.
CASES = (
    "request.path request.dry_run.value signature.present request.given.dry_run_true request.method "
    "idempotency.token.made.form"
)


@pytest.fixture
def outputs(project):
    """A run with every verdict, and all its outputs by their names."""

    def run(*options):
        project.pytester.makefile(".yaml", known=KNOWN)
        reports = [f"--es-upgrade-report=r.{suffix}" for suffix in ("json", "html", "md")]
        options = [*reports, "--es-upgrade-known=known.yaml", "--junitxml=junit.xml", *options]
        result = project.run(*options, client="forgetful", cases=CASES)
        folder = project.pytester.path
        names = ("r.json", "r.html", "r.md", "junit.xml")
        return {name: (folder / name).read_text(encoding="utf-8") for name in names} | {"terminal": result.stdout.str()}

    return run


class Cells(HTMLParser):
    """The texts of cells, row by row."""

    def __init__(self, text):
        super().__init__()
        self.rows = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def counts_of_html(text):
    table = text[text.index('<table class="matrix">') :]
    rows = Cells(table[: table.index("</table>")]).rows
    (cell,) = [row[1] for row in rows if row[0] == "all"]
    words = cell.replace("not testable", "not_testable").split()
    return {name: int(count) for count, name in pairwise(words) if count.isdecimal()}


def counts_of_rows(rows):
    """All families together; what is none is left out of Markdown, and a dot in the terminal."""
    counts = Counter()
    for row in rows:
        counts.update({verdict: int(cell.strip(" .") or 0) for verdict, cell in zip(VERDICTS, row, strict=True)})
    return {verdict: count for verdict, count in counts.items() if count}


def counts_of_markdown(text):
    rows = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("|"))
    return counts_of_rows(cells for name, *cells in rows if name.strip() in FAMILIES)


def counts_of_terminal(text):
    rows = (line.split() for line in text.splitlines() if line.startswith("  "))
    return counts_of_rows(cells for name, *cells in rows if name in FAMILIES)


def properties(text):
    for one in ET.fromstring(text).iter("testcase"):
        yield [(told.get("name"), told.get("value")) for told in one.iter("property")]


def counts_of_junit(text):
    return dict(Counter(dict(told)["es_upgrade_verdict"] for told in properties(text)))


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "xdist"])
def test_all_outputs_tell_the_same_counts(outputs, options):
    told = outputs(*options)
    summary = json.loads(told["r.json"])["clients"][0]["summary"]
    assert summary == dict.fromkeys(VERDICTS, 1)
    assert counts_of_html(told["r.html"]) == summary
    assert counts_of_markdown(told["r.md"]) == summary
    assert counts_of_terminal(told["terminal"]) == summary
    assert counts_of_junit(told["junit.xml"]) == summary
    sentence = (
        "breaks the contract at level must: 2 of 5 judged cases did not pass, beside 1 known deviation; "
        "1 of 6 cases could not be decided"
    )
    for name in ("r.html", "r.md", "terminal"):
        assert sentence in told[name]


def test_junit_has_properties_of_each_case(outputs):
    told = {dict(one)["es_upgrade_case"]: one for one in properties(outputs()["junit.xml"])}
    assert told["request.dry_run.value"] == [
        ("es_upgrade_case", "request.dry_run.value"),
        ("es_upgrade_client", "forgetful"),
        ("es_upgrade_verdict", "failed"),
        ("es_upgrade_level", "must"),
        ("es_upgrade_broken_level", "must"),
        ("es_upgrade_rule", "sent.dry_run"),
    ]
    assert told["request.path"][2:] == [("es_upgrade_verdict", "passed"), ("es_upgrade_level", "must")]
    assert told["signature.present"][2:] == [
        ("es_upgrade_verdict", "tolerated"),
        ("es_upgrade_level", "should"),
        ("es_upgrade_broken_level", "should"),
        ("es_upgrade_rule", "signature.absent"),
    ]


def test_properties_of_ones_own_stay(project):
    project.pytester.makeconftest(
        "def pytest_runtest_setup(item):\n"
        "    item.user_properties += [('own', 'mine'), ('es_upgrade_verdict', 'of an earlier run')]\n"
    )
    project.run("--junitxml=junit.xml")
    (told,) = properties((project.pytester.path / "junit.xml").read_text(encoding="utf-8"))
    assert told[0] == ("own", "mine")
    assert [value for name, value in told if name == "es_upgrade_verdict"] == ["passed"]


def test_the_link_of_what_is_known_is_told(outputs):
    told = outputs()
    cases = {case["id"]: case for case in json.loads(told["r.json"])["clients"][0]["cases"]}
    assert cases["request.given.dry_run_true"]["link"] == "https://example.org/1"
    assert "link" not in cases["request.path"]
    assert 'href="https://example.org/1"' in told["r.html"]


# --- how much of the suite was run -----------------------------------------------------------------------


def fine(stage):
    yield from ()


def stopping(stage):
    pytest.exit("enough")  # as Ctrl-C, which pytester would pass on to this session


def wrong(stage):
    stage.call(UpgradeRequest("es-cn-a", "6.7"))
    yield Violation(shipped_contract().rules["request.method"], "method", "GET", "POST")


THREE = {"request.a": (fine,), "request.b": (fine,), "request.c": (fine,)}


def told_of(project, *options, **more):
    """What every format tells of the only client, and its members of the document."""
    result, document = project.report("--es-upgrade-report=r.md", "--es-upgrade-report=r.html", *options, **more)
    (client,) = document["clients"]
    sentence = verdict_sentence(client, "must")
    told = [result.stdout.str(), *((project.pytester.path / f"r.{suffix}").read_text() for suffix in ("md", "html"))]
    assert [sentence in text for text in told] == [True, True, True]
    SCHEMA.validate(document)
    return sentence, (client["selected"], client["of"], client["interrupted"]), told[2]


def test_where_every_case_was_run_nothing_is_said_of_it(project, suite):
    suite(THREE)
    project.pytester.makepyfile(test_own="def test_own(): pass")
    sentence, extent, _ = told_of(project, "test_own.py", cases="*")
    assert sentence == "keeps the contract at level must in 3 judged cases"
    assert extent == (3, 3, False)


@pytest.mark.parametrize(
    ("options", "cases"),
    [(["-k", "request.b"], "*"), ([], "request.b"), (["-k", "request.b", "-x"], "*")],
    ids=["-k", "-case", "-x"],
)
def test_a_selection_is_told(project, suite, options, cases):
    suite(THREE)
    sentence, extent, html = told_of(project, *options, cases=cases)
    assert sentence == "keeps the contract at level must in 1 judged case; 2 of 3 cases were not run"
    assert extent == (1, 3, False)
    assert "<h1>right keeps the contract in 1 of 3 cases</h1>" in html


def test_an_interrupted_run_is_told(project, suite):
    suite({**THREE, "request.b": (stopping,)})
    sentence, extent, html = told_of(project, "-p", "no:randomly", cases="*")
    assert sentence == "keeps the contract at level must in 1 judged case; stopped after 1 of 3 cases"
    assert extent == (3, 3, True)
    assert "<h1>right was not judged to the end</h1>" in html


def test_a_run_that_a_failure_stopped_is_told_and_within_a_selection_too(project, suite):
    suite({**THREE, "request.b": (wrong, "request.method")})
    broken = "breaks the contract at level must: 1 of 2 judged cases did not pass; "
    sentence, extent, _ = told_of(project, "-x", "-p", "no:randomly", cases="*")
    assert (sentence, extent) == (f"{broken}stopped after 2 of 3 cases", (3, 3, True))
    suite({**THREE, "request.b": (wrong, "request.method"), "request.d": (fine,)})
    sentence, extent, _ = told_of(project, "-x", "-p", "no:randomly", "-k", "not request.d", cases="*")
    assert (sentence, extent) == (f"{broken}stopped after 2 of 3 chosen cases, of 4 that there are", (3, 4, True))


def test_a_failure_of_the_last_case_stops_nothing(project, suite):
    suite({"request.a": (fine,), "request.b": (wrong, "request.method")})
    _, extent, _ = told_of(project, "-x", "-p", "no:randomly", cases="*")
    assert extent == (2, 2, False)


def test_what_failed_last_is_a_selection(project, suite):
    suite({**THREE, "request.b": (wrong, "request.method")})
    told_of(project, cases="*")
    sentence, extent, _ = told_of(project, "--lf", cases="*")
    assert sentence.endswith("1 of 1 judged cases did not pass; 2 of 3 cases were not run")
    assert extent == (1, 3, False)


def test_workers_are_counted_together(project):
    _, extent, _ = told_of(project, "-n2", cases="request.dry_run.*")
    number = extent[0]
    assert number > 2
    assert extent == (number, 835, False)
    sentence, extent, _ = told_of(project, "-n2", "--maxfail=1", client="forgetful", cases="request.*")
    assert extent[1:] == (835, True)
    assert re.search(r"stopped after \d+ of \d+ chosen cases, of 835 that there are$", sentence)


def test_a_module_of_ones_own_is_counted_by_its_items(project, suite):
    suite({**THREE, "request.b": (stopping,)})
    project.pytester.makepyfile(
        test_it="import pytest, clients\n"
        "from pytest_es_upgrade.suite import test_es_upgrade_contract\n"
        "@pytest.fixture\n"
        "def es_upgrade_client_factory(): return clients.right\n"
        "@pytest.mark.parametrize('other', [1, 2])\n"
        "def test_other(other): pass\n"
        "def test_plain(): pass\n"
    )
    project.pytester.runpytest_inprocess("--es-upgrade-report=r.json", "-p", "no:randomly", "test_it.py")
    (client,) = json.loads((project.pytester.path / "r.json").read_text())["clients"]
    assert (client["selected"], client["of"], client["interrupted"]) == (3, 3, True)


# --- the published shape --------------------------------------------------------------------------


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA.schema)


def test_a_run_with_every_verdict_has_the_published_shape(outputs):
    SCHEMA.validate(json.loads(outputs()["r.json"]))


@pytest.mark.parametrize("client", ["right", "forgetful", "capital", "never", "leaving", "absent", "raising_later"])
def test_runs_have_the_published_shape(project, client):
    cases = "request.dry_run.* request.token.[abc]* error.b* error.ok.* idempotency.lost.reset*"
    _, document = project.report(client=client, cases=cases)
    SCHEMA.validate(document)
    assert len(document["clients"][0]["cases"]) > 20


def test_a_report_of_nothing_has_the_published_shape(project):
    _, document = project.report("-k", "nothing")
    SCHEMA.validate(document)


def failed(document):
    return next(case for case in document["clients"][0]["cases"] if case["verdict"] == "failed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.pop("level"), "'level' is a required property"),
        (lambda document: document["clients"][0]["summary"].update(passed=-1), "-1 is less than the minimum"),
        (lambda document: failed(document).update(violations=[]), "None is not of type 'string'"),
        (lambda document: failed(document).update(verdict="good"), "'good' is not one of"),
    ],
)
def test_another_shape_is_told_apart(project, change, message):
    _, document = project.report(client="forgetful", cases="request.dry_run.value")
    change(document)
    assert message in " ".join(one.message for one in SCHEMA.iter_errors(document))


# --- what the service did ---------------------------------------------------------------------------


def done(calls):
    """What the service did about the requests of each call."""
    shown = ("done", "instanceId", "token", "upgrade")
    return [[tuple(one["done"][name] for name in shown) for one in call["exchanges"]] for call in calls]


def test_the_report_tells_when_an_upgrade_was_started_and_what_was_never_read(project, suite):
    def check(stage):
        stage.fail_with("reset_before_reading")
        stage.fail_with("answer_lost_after_start")
        for token in ("first", "second", "third"):
            stage.call(UpgradeRequest("es-cn-a", "6.7", client_token=token))
        yield from ()

    suite({"idempotency.a": (check,)})
    _, document = project.report(cases="*")
    calls = project.cases_of(document)["idempotency.a"]["calls"]
    assert [[one["fault"] for one in call["unread"]] for call in calls] == [["reset_before_reading"], [], []]
    assert done(calls) == [
        [],
        [("started", "es-cn-a", "second", 1)],
        [("refused", "es-cn-a", "third", None)],
    ]
    SCHEMA.validate(document)


def test_of_calls_at_once_each_has_what_was_done_about_its_own(project, suite):
    def check(stage):
        stage.call_together([UpgradeRequest(f"es-cn-{number}", "6.7") for number in range(3)])
        yield from ()

    suite({"isolation.a": (check,)})
    _, document = project.report(cases="*")
    told = done(project.cases_of(document)["isolation.a"]["calls"])
    assert [[one[:3] for one in call] for call in told] == [[("started", f"es-cn-{n}", None)] for n in range(3)]


# --- what goes wrong with a report ----------------------------------------------------------------------


def test_a_slip_of_one_format_takes_neither_the_others_nor_the_verdict(project, monkeypatch):
    def slip(path, document):
        if path.suffix == ".md":
            raise KeyError("a slip")
        write(path, document)

    monkeypatch.setattr("pytest_es_upgrade.plugin.ending.write", slip)
    result, document = project.report("--es-upgrade-report=r.md")
    assert result.ret == 1
    assert document["clients"][0]["summary"]["passed"] == 1
    slipped = (
        "es-upgrade: not green: the report *r.md could not be written: KeyError: 'a slip'; please tell the project"
    )
    result.stdout.fnmatch_lines([slipped])


# --- the library ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [(), ("-n2",)], ids=["alone", "xdist"])
def test_without_the_template_engine_it_is_one_line_before_the_run(project, monkeypatch, spread):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = project.run("--es-upgrade-report=r.html", *spread)
    assert result.ret == 4
    needs = 'ERROR: a report as HTML needs Jinja2; install it with: pip install "pytest-es-upgrade[[]report]"'
    result.stderr.fnmatch_lines([needs])
    assert "Traceback" not in result.stderr.str()
