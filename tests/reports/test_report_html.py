"""The report as HTML, without a browser: what is in it, that nothing of a client's gets out of its place, its size."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from documents import HOSTILE, capital, case, document, every_verdict, everything, many, violation

from pytest_es_upgrade.contract import Contract, shipped_contract
from pytest_es_upgrade.errors import MissingExtra
from pytest_es_upgrade.report import as_html, check_path
from pytest_es_upgrade.report.as_html import html_text
from pytest_es_upgrade.report.meaning import Meaning, shipped_meaning
from pytest_es_upgrade.report.words import KIT

INLINE = {"span", "code", "bdi", "a", "q", "mark", "strong", "i", "em"}
VOID = {"meta", "input", "rect", "br"}


class Page(HTMLParser):
    """What is in a file: elements with their attributes, texts by the element they are in, and that tags are paired."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        if tag not in INLINE:
            self.texts.append(("", " "))
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *but):
        return " ".join("".join(data for tag, data in self.texts if tag not in ("style", "script", *but)).split())

    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


WHOLE = html_text(everything(("plain", "other-client")))
PAGE = Page(WHOLE)


def shown(*cases, **heading):
    return Page(html_text(document({"plain": list(cases)}, **heading)))


# --- what a reader finds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ({}, "No client was judged"),
        ({"a": ["failed"]}, "a breaks the contract"),
        ({"a": ["passed"]}, "a keeps the contract"),
        ({"a": ["not_testable"]}, "a could not be judged"),
        ({"a": []}, "a could not be judged"),
        ({"a": ["failed"], "b": ["passed"]}, "1 of 2 clients breaks the contract"),
        ({"a": ["stale"]}, "a keeps the contract, but the known file is stale"),
        ({"a": ["failed"], "b": ["stale"], "c": ["passed"]}, "1 of 3 clients breaks the contract"),
        ({"a": ["stale"], "b": ["passed"]}, "All 2 clients keep the contract"),
        ({"a": ["known"], "b": ["passed"]}, "All 2 clients keep the contract"),
        ({"a": ["tolerated"], "b": ["not_testable"]}, "1 of 2 clients keeps the contract"),
        ({"a": ["not_testable"], "b": []}, "0 of 2 clients keep the contract"),
    ],
)
def test_the_verdict_is_the_heading(verdicts, headline):
    cases = {
        client: [case(f"a.{n}", verdict, reason="why") for n, verdict in enumerate(told)]
        for client, told in verdicts.items()
    }
    page = Page(html_text(document(cases)))
    assert ("h1", headline) in page.texts
    assert ("title", f"{headline}: UpgradeEngineVersion") in page.texts


@pytest.mark.parametrize(
    ("extents", "headline"),
    [
        ([{"of": 5}], "a keeps the contract in 1 of 5 cases"),
        ([{"of": 5, "selected": 5, "interrupted": True}], "a was not judged to the end"),
        ([{"of": 5}, {"of": 1}], "All 2 clients keep the contract in the cases that were run"),
        ([{"of": 5, "selected": 5, "interrupted": True}, {"of": 1}], "1 of 2 clients keeps the contract"),
    ],
)
def test_the_heading_says_where_only_a_part_was_run(extents, headline):
    told = document({name: [case("a.b")] for name, _ in zip("ab", extents, strict=False)})
    told["clients"] = [client | extent for client, extent in zip(told["clients"], extents, strict=True)]
    page = Page(html_text(told))
    assert page.texts.count(("h1", headline)) == 1
    assert "Nothing at level must or above in the cases that were run." in page.text()
    assert "1 case of 5, 0 of them not testable" in page.text()


def test_a_reader_is_told_what_why_where_and_how_to_see_it():
    text = PAGE.text()
    for words in [
        "✗ broken rule: “one call starts one upgrade at most”",
        "An upgrade cannot be undone and must not be started twice.",
        "“Request parameters”, line 26",
        "This parameter is used to ensure the idempotence of the request.",
        "Expected one upgrade Got 2 upgrades Where started: the upgrades that the service started",
        "★ upgrade #1 started",
        "⚡ fault: the connection is closed within the body of the answer (half_body)",
        "token B second another than before",
        "★ 2 upgrades were started.",
        "pytest --es-upgrade --es-upgrade-client=plain=m:plain --es-upgrade-case=idempotency.lost.half_body",
        "http://127.0.0.1:8080/openapi/instances/es-cn-a/actions/upgrade-version?dryRun=True&clientToken=t",
        "call 1 of 3: UpgradeRequest(instance_id='es-cn-a') returned",
        "a connection, and nothing of a request was read",
        'Result and validateResult are "Struct" in the table and lists in the sample.',
        "Made by pytest-es-upgrade 0.1.0",
        shipped_contract().sha256,
        "3 of them not testable",
        "5,000,000 bytes",
        "characters left out",
        "4 calls more in the JSON report",
        "… 12 attempts more …",
        "3 violations more in the JSON report",
        "code not to be found",
    ]:
        assert words in text


def test_what_is_wrong_is_marked_in_the_bytes():
    page = shown(capital())
    assert ("mark", "dryRun=True") in page.texts
    opened = [attributes for attributes in page.all("details") if attributes.get("class") == "bytes"]
    assert [("open" in attributes) for attributes in opened] == [False, True, False]


def test_every_case_has_one_anchor_and_every_link_goes_somewhere():
    ids = PAGE.ids()
    assert Counter(ids).most_common(1)[0][1] == 1
    for client in ("plain", "other-client"):
        for one in (*every_verdict(), {"id": "error.hostile"}, {"id": "request.long"}):
            assert f"{client}:{one['id']}" in ids
    links = [attributes["href"] for attributes in PAGE.all("a")]
    assert {unquote(link[1:]) for link in links if link.startswith("#")} <= set(ids)
    outside = {link for link in links if not link.startswith("#")}
    assert outside == {"https://example.org/1", KIT, shipped_meaning().address}


def test_two_clients_of_one_name_have_anchors_of_their_own():
    twins = document({"factory": [capital()]})
    twins["clients"] *= 2
    ids = Page(html_text(twins)).ids()
    assert "factory:request.dry_run.lower_case" in ids
    assert "factory~2:request.dry_run.lower_case" in ids


def test_a_link_of_a_known_deviation_is_followed_only_where_it_is_one_of_the_web():
    page = shown(capital(verdict="known", reason="so", link="javascript:alert(1)"))
    assert "javascript:alert(1)" in page.text()
    assert not [one for one in page.all("a") if one["href"].startswith("javascript")]


def test_sources_that_are_no_sentence_of_the_page_are_linked_where_they_can_be():
    sources = [
        ("error.redirect_credentials", "https://www.rfc-editor.org/rfc/rfc9110#section-15.4"),
        ("client.secret", "https://cwe.mitre.org/data/definitions/532.html"),
        ("sent.extra_call", ""),
    ]
    for rule, link in sources:
        assert shipped_meaning().rule(rule).source.link == link
    found = [violation(rule, "call", "this", "that") for rule, _ in sources]
    page = shown(*(case(f"a.{n}", "failed", violations=[one]) for n, one in enumerate(found)), level="should")
    assert {link for _, link in sources if link} <= {one["href"] for one in page.all("a")}


def test_rules_of_another_contract_are_told_by_what_the_report_says():
    found = violation("request.method", "method", "GET", "POST") | {"rule": "request.new", "quote": "A new sentence."}
    page = shown(case("request.new", "failed", violations=[found]))
    assert "broken rule: “request.new”" in page.text()
    assert "A new sentence. a rule of another version of this kit" in page.text()
    other = Contract({**shipped_contract().documents, "page.md": "# Another page\n"})
    assert Meaning(other).rule("request.method").source == ("page: Request syntax", "")


def test_every_rule_has_a_word_on_why_it_matters():
    for rule in shipped_contract().rules:
        assert shipped_meaning().rule(rule).why.endswith(".")
    assert shipped_meaning().rule("nobody.knows").why == ""


def test_what_is_below_the_level_is_told_by_title_and_reason_and_named_first():
    cases = [capital(f"request.n{n}", "tolerated", reason="below level must: request.dry_run.form") for n in range(3)]
    page = shown(*cases)
    text, rule = page.text(), shipped_meaning().rule("request.dry_run.form")
    assert "Below this level: 1 more rule, see tolerated." in text
    assert {"href": "#plain%3Atolerated"} in page.all("a")
    assert "plain:tolerated" in page.ids()
    assert f"3 cases: below level must: “{rule.title}” (request.dry_run.form) {rule.why}" in text
    both = [violation("answer.struct", "answer", "a", "b"), violation("request.dry_run.form", "query.dryRun", "c", "d")]
    reason = "below level must: request.dry_run.form; another reading of the page: result-shape"
    text = shown(case("a.b", "tolerated", violations=both, reason=reason)).text()
    assert f"“{rule.title}” (request.dry_run.form); another reading of the page: result-shape" in text
    assert "Below this level" not in shown(case("a.b", "tolerated", violations=both[:1], reason="x")).text()


def test_the_kit_and_the_operation_have_addresses():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'Source = "{KIT}"' in project
    assert shipped_meaning().address in str(shipped_contract().documents["page.md"])
    assert "api=UpgradeEngineVersion" in shipped_meaning().address
    other = Contract({**shipped_contract().documents, "page.md": "# Another page\n"})
    assert "Where the page sends" not in Page(html_text(document({}), Meaning(other))).text()


def test_it_says_where_its_words_are_those_of_another_contract():
    assert "another edition" not in PAGE.text()
    other = document({}, contract={"operation": "Op", "version": "1", "sha256": "0" * 64})
    assert "another edition, which the kit has that wrote this file" in Page(html_text(other)).text()


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([], "No case was run, so nothing was judged."),
        ([case("a.b", "not_testable", reason="why not")], "Nothing could be decided: see why."),
        ([case("a.b")], "Nothing at level must or above."),
        ([case("a.b"), capital(verdict="known", reason="so")], "Nothing at level must or above beside what is known."),
    ],
)
def test_where_nothing_is_wrong_it_says_how_that_is_known(cases, words):
    assert words in shown(*cases).text()


def test_the_gravest_comes_first():
    page = shown(*every_verdict(), level="should").text()
    order = ["one call starts one upgrade at most", "the call reaches the service", "dryRun is spelled in lower case"]
    assert sorted(order, key=page.index) == order


# --- nothing gets out of its place -------------------------------------------------------------------


def test_what_a_client_says_is_text():
    assert {attributes.get("src") for _, attributes in PAGE.elements} == {None}
    assert len(PAGE.all("script")) == 1
    assert not PAGE.all("img")
    assert not [
        name for _, attributes in PAGE.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert "<script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&\\u202e\\x1b[31m" in PAGE.text()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]", WHOLE)


def test_the_policy_lets_this_style_and_this_script_do_their_work_and_nothing_else():
    (policy,) = [one["content"] for one in PAGE.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        text = "".join(data for of, data in PAGE.texts if of == tag)
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_nothing_is_loaded():
    for _, attributes in PAGE.elements:
        assert not {"src", "srcset", "data", "poster", "background"} & attributes.keys()
    assert not PAGE.all("link")
    assert "url(" not in WHOLE
    assert "@import" not in WHOLE


# --- its size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [1, 3])
def test_three_hundred_cases_of_eight_clients_are_below_2_mb(failing):
    text = html_text(many(failing=failing))
    assert len(text.encode()) < 2_000_000
    ids = Page(text).ids()
    assert len(set(ids)) == len(ids)
    assert sum(bool(re.match(r"client-\d:request\.number", one)) for one in ids) == 2400


def test_the_first_case_of_every_rule_has_its_whole_story(monkeypatch):
    monkeypatch.setattr(as_html, "MOST_BYTES", 150_000)
    page = Page(html_text(many(60, 2, 1)))
    text = page.text()
    assert text.count("What happened") >= 4
    assert text.count("What happened") < 120


def test_what_has_no_room_is_named(monkeypatch):
    monkeypatch.setattr(as_html, "MOST_BYTES", 0)
    page = shown(*every_verdict())
    assert "What happened" not in page.text()
    assert "1 case more: this file would become too long. The JSON report has them." in page.text()
    assert {f"plain:{one['id']}" for one in every_verdict()} <= set(page.ids())


# --- the library ------------------------------------------------------------------------------------


def test_without_the_template_engine_a_report_is_refused_beforehand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r'needs Jinja2; install it with: pip install "pytest-es-upgrade\[report\]"'):
        check_path(tmp_path / "report.html")
    check_path(tmp_path / "report.md")


def test_what_is_hostile_is():
    assert HOSTILE.count("<") == 3


def test_what_harms_most_and_who_breaks_most_comes_first():
    grave = [violation(rule, "call", "a", "b") for rule in ("sent.client_token", "idempotency.started_once")]
    cases = [case(f"a.{n}", "failed", violations=[grave[n == 5]]) for n in range(6)]
    page = Page(html_text(document({"right": [case("a.0")], "undecided": [], "wrong": cases})))
    text = page.text()
    places = [
        text.index(f"broken rule: “{title}") for title in ("one call starts one upgrade", "the clientToken that was")
    ]
    assert places == sorted(places)
    names = [data for tag, data in page.texts if tag == "a" and data in ("right", "undecided", "wrong")]
    assert names == ["wrong", "undecided", "right"]
    heads = [data for tag, data in page.texts if tag == "th" and data in ("right", "undecided", "wrong")]
    assert heads[:3] == ["right", "undecided", "wrong"]
