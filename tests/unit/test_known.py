"""The file of known deviations: what it says, and every mistake in it."""

from __future__ import annotations

from datetime import date

import pytest

from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.known import Entry, KnownFile, load_known, parse_known
from pytest_es_upgrade.results import KnownDeviation

CASES = ["request.dry_run.lower_case", "request.dry_run.value", "request.method", "fuzz.valid"]
RULES = ["request.dry_run.form", "request.method"]
TODAY = date(2026, 11, 23)

FILE = """
clients:
  official:
    request.dry_run.lower_case:
      {reason: " sends True ", link: "https://x", rule: request.dry_run.form, until: 2027-06-30}
    request.dry_run.*:
      reason: all of it
      rule: [request.dry_run.form, request.method]
      until: "2026-11-22"
    request.*: {reason: everything}
    fuzz.valid: {reason: found now and then}
  idle:
"""


def parsed(text):
    return parse_known(text, "known.yaml", CASES, RULES)


@pytest.mark.parametrize(
    ("case_id", "expected"),
    [
        (
            "request.dry_run.lower_case",
            KnownDeviation("request.dry_run.lower_case", "sends True", (RULES[0],), link="https://x"),
        ),
        (
            "request.dry_run.value",
            KnownDeviation("request.dry_run.*", "all of it", tuple(RULES), exact=False, expired="2026-11-22"),
        ),
        ("request.method", KnownDeviation("request.*", "everything", exact=False)),
        ("fuzz.valid", KnownDeviation("fuzz.valid", "found now and then", exact=False)),
        ("response.x", None),
    ],
)
def test_the_nearest_entry_holds(case_id, expected):
    known = parsed(FILE)
    assert known.deviation("official", case_id, TODAY) == expected
    assert known.deviation("idle", case_id, TODAY) is None
    assert known.deviation("other", case_id, TODAY) is None


def test_every_member_is_read():
    entry = parsed(FILE).clients["official"][0]
    assert entry == Entry("request.dry_run.lower_case", "sends True", (RULES[0],), date(2027, 6, 30), "https://x")


def test_entries_may_be_shared_by_anchors():
    known = parsed("clients: {a: &a {request.method: {reason: x}}, b: *a, c: {<<: *a}}")
    assert known.clients["a"] == known.clients["b"] == known.clients["c"]


@pytest.mark.parametrize("text", ["clients:", "clients: {}", "clients: {a: }"])
def test_nothing_may_be_known(text):
    assert not any(parsed(text).clients.values())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r":1: expected one key at the top, clients:, got None \(NoneType\)"),
        ("[]", r":1: expected one key at the top, clients:, got \[\] \(list\)"),
        ("client: {}", ":1: expected one key at the top, clients:, got the keys client"),
        ("clients: 5", r":1: clients: expected a mapping from client names to their entries, got 5 \(int\)"),
        ("clients:\n  a: [request.method]", ":2: a: expected a mapping such as request.dry_run.lower_case: {reason: "),
        ("clients: {a: {request.method: why}}", r":1: request.method: expected a mapping with a reason.*'why' \(str\)"),
        ("clients: {a: {request.methd: {reason: x}}}", ":1: 'request.methd' matches no case; did you mean request.m"),
        ("clients: {a: {zzz: {reason: x}}}", ":1: 'zzz' matches no case; there are request.dry_run.lower_case, "),
        ("clients: {a: {request.dry_runs.*: {reason: x}}}", r"matches no case; did you mean request.dry_run.\*"),
        ("clients: {a: {5: {reason: x}}}", ":1: '5' matches no case"),
        ("clients: {a: {request.method: {}}}", ":1: request.method: there is no reason; write request.method: {reason"),
        ("clients: {a: {request.method: {reson: x}}}", "there is no member 'reson'; did you mean reason?"),
        ("clients: {a: {request.method: {reason: }}}", r"request.method: reason: expected a text, got None"),
        ("clients: {a: {request.method: {reason: ' '}}}", r"request.method: reason: expected a text, got ' ' \(str\)"),
        ("clients: {a: {request.method: {reason: x, link: 5}}}", r"link: expected a text, got 5 \(int\)"),
        (
            "clients: {a: {request.method: {reason: x, rule: request.methods}}}",
            "there is no rule 'request.methods'.*di",
        ),
        ("clients: {a: {request.method: {reason: x, rule: []}}}", r"rule: there is no rule \[\] \(list\); there are"),
        ("clients: {a: {request.method: {reason: x, rule: [5]}}}", r"rule: there is no rule 5 \(int\); there are"),
        ("clients: {a: {request.method: {reason: x, until: soon}}}", "until: expected a date such as 2027-06-30, got"),
        ("clients: {a: {request.method: {reason: x, until: 5}}}", r"until: expected a date such as 2027-06-30, got 5"),
        ("clients: {a: {request.method: {reason: x, until: 2027-06-30 10:00:00}}}", "expected a date such as"),
        ("clients: {a: {request.method: {reason: x, until: 2027-13-30}}}", "known.yaml: no YAML: month must be in"),
        (
            "clients: {a: {request.method: {reason: x,\n reason: y}}}",
            ":2: the key 'reason' is there twice .line 1 too.",
        ),
        ("clients: {a: {}, a: {}}", ":1: the key 'a' is there twice"),
        ("clients: {", ":1: expected the node content"),
        ("clients: {[]: x}", ":1: found unhashable key"),
        ("clients: !!python/object:os.system {}", ":1: could not determine a constructor for the tag"),
        ("\0", "known.yaml: no YAML: unacceptable character"),
        ("x" * 200, r"got 'xxx.*…"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text, problem):
    with pytest.raises(UsageProblem, match=problem) as raised:
        parsed(text)
    assert str(raised.value).startswith("known file known.yaml")
    assert "\n" not in str(raised.value)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "known.yaml"
    path.write_text(FILE, encoding="utf-8")
    assert load_known(path, CASES, RULES).clients["official"]


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageProblem, match=r"known file '.*none\.yaml' cannot be read: No such file"):
        load_known(tmp_path / "none.yaml", CASES, RULES)
    (tmp_path / "latin.yaml").write_bytes(b"clients: \xe9")
    with pytest.raises(UsageProblem, match=r"is not UTF-8 \(byte 9\)"):
        load_known(tmp_path / "latin.yaml", CASES, RULES)


# --- stale wildcards ------------------------------------------------------------------------------------

IDS = ["a.one", "a.two", "b.one", "fuzz.one"]


def case(case_id, verdict="passed", rules=()):
    return {"id": case_id, "verdict": verdict, "violations": [{"rule": rule} for rule in rules]}


@pytest.mark.parametrize(
    ("results", "stale"),
    [
        ([case("a.one"), case("a.two")], True),
        ([case("a.one"), case("a.two", "not_testable")], True),
        ([case("a.one"), case("a.two", "tolerated", ["r.other"])], True),
        ([case("a.one")], False),
        ([case("a.one", "not_testable"), case("a.two", "not_testable")], False),
        ([case("a.one"), case("a.two", "known")], False),
        ([case("a.one"), case("a.two", "failed")], False),
        ([case("a.one"), case("a.two", "tolerated", ["r"])], False),
    ],
)
def test_a_wildcard_is_stale_where_nothing_needs_it(results, stale):
    entries = (Entry("a.*", "x", ("r",)), Entry("fuzz.*", "x"), Entry("b.one", "x"))
    known = KnownFile("known.yaml", {"client": entries})
    everything = [*results, case("fuzz.one"), case("b.one")]
    assert [entry.key for entry in known.stale_wildcards("client", everything, IDS)] == ["a.*"] * stale
    assert known.stale_wildcards("other", everything, IDS) == []


def test_any_broken_rule_needs_a_wildcard_without_rules():
    known = KnownFile("known.yaml", {"client": (Entry("b.*", "x"),)})
    assert known.stale_wildcards("client", [case("b.one", "tolerated", ["r"])], IDS) == []
