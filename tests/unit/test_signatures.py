"""Signatures: the recordings verify, whatever is tampered with is refused, and failures say what was signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from recordings import KEY_ID, NOT_VERIFYING, RECORDINGS, SECRET

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import HttpRequest
from pytest_es_upgrade.signatures import ACS3, ROA, repeated_nonces, signature_scheme, verify

CONTRACT = shipped_contract()
SIGNED = [recording for recording in RECORDINGS if signature_scheme(recording.request)]
VERIFYING = [recording for recording in SIGNED if recording.place not in NOT_VERIFYING]
often = settings(max_examples=200, derandomize=True, deadline=None)
#: For each kind of tampering.
some = settings(max_examples=50, derandomize=True, deadline=None)
#: Rules by which a service tells that a request is not the one that was signed.
REFUSING = {"signature.value", "signature.content_sha256", "signature.content_md5", "signature.signed_headers"}


def broken(request, when=None):
    return {found.rule.id: found for found in verify(request, KEY_ID, SECRET, CONTRACT, when)}


def refused(request):
    return REFUSING & broken(request).keys()


# --- the recordings ---------------------------------------------------------------------------------


def test_every_signed_recording_verifies_but_those_whose_reason_is_known():
    refused_ones = [recording.place for recording in SIGNED if "signature.value" in broken(recording.request)]
    assert sorted(refused_ones) == sorted(NOT_VERIFYING)
    assert (len(RECORDINGS), len(SIGNED), len(VERIFYING), len(refused_ones)) == (1150, 938, 904, 34)


@pytest.mark.parametrize(
    "recording",
    [one for one in SIGNED if one.place in NOT_VERIFYING and one.request.header("Authorization").startswith("acs ")],
    ids=lambda recording: "-".join(recording.place[:2]),
)
def test_what_was_signed_in_place_of_what_was_sent_is_what_the_reason_says(recording):
    """The text is put together here once more, so that the reasons do not hang on the code that they excuse."""
    request = recording.request
    accept, digest, date = (request.header(name) or "" for name in ("Accept", "Content-MD5", "Date"))
    # a redirect that was followed as a GET has lost its Content-Type
    media_types = [
        request.header("Content-Type"),
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
    ]
    acs = sorted((name.lower(), value) for name, value in request.headers if name.lower().startswith("x-acs-"))
    rest = [date, *(f"{name}:{value}" for name, value in acs), NOT_VERIFYING[recording.place]["signed"]]
    texts = ["\n".join(["POST", accept, digest, media_type or "", *rest]) for media_type in media_types]
    signatures = [base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode() for text in texts]
    assert request.header("Authorization") in [f"acs {KEY_ID}:{signature}" for signature in signatures]


def test_beside_signatures_the_recordings_break_what_their_clients_are_known_for():
    """No nonce is judged in the classic SDK, and pop-core's missing action is none of its faults."""
    found = {}
    for recording in VERIFYING:
        for rule in broken(recording.request):
            found.setdefault(rule, set()).add(recording.client)
    without_digest = {"tea-py-5.4.1-v2sig", "tea-py-1.0.10-sync", "tea-py-1.0.10-async", "tea-py-1.0.10-openapi0.3"}
    assert found == {
        "signature.version": {"classic-py-3.0.29-setters"},
        "signature.body_covered": {*without_digest, "node-4.3.5-v2sig"},
    }


# --- tampering --------------------------------------------------------------------------------------


def with_target(change):
    return lambda request: replace(request, target=change(request.target))


def with_header(name, change):
    def changed(request):
        headers = ((key, change(value) if key.lower() == name else value) for key, value in request.headers)
        return replace(request, headers=tuple(headers))

    return changed


def without_header(name):
    return lambda request: replace(
        request, headers=tuple((key, value) for key, value in request.headers if key.lower() != name)
    )


def added_query(text):
    return with_target(lambda target: f"{target}{'&' if '?' in target else '?'}{text}")


def swapped(value):
    return value[:-1] + ("0" if value[-1:] != "0" else "1")


#: Name → what somebody on the way does to a request; what it changes is covered by both schemes.
TAMPERED = {
    "another instance": with_target(lambda target: target.replace("/instances/", "/instances/x", 1)),
    "instance in upper case": with_target(lambda target: target.replace("es-cn", "ES-CN", 1)),
    "slash encoded": with_target(lambda target: target.replace("/instances/", "/instances%2F", 1)),
    "slash at the end": with_target(lambda target: target.replace("upgrade-version", "upgrade-version/", 1)),
    "another action": with_target(lambda target: target.replace("upgrade-version", "restart", 1)),
    "another method": lambda request: replace(request, method="PUT"),
    "dry run": added_query("dryRun=true"),
    "a parameter without a value": added_query("x="),
    "no query": with_target(lambda target: target.partition("?")[0]),
    "dry run called off": with_target(lambda target: target.replace("rue", "RUE")),
    "another token": with_target(lambda target: target.replace("clientToken=", "clientToken=0", 1)),
    "another parameter": with_target(lambda target: target.replace("clientToken=", "clienttoken=", 1)),
    "token encoded twice": with_target(lambda target: target.replace("%", "%25")),
    "plus in place of a blank": with_target(lambda target: target.replace("%20", "%2B")),
    "another nonce": with_header("x-acs-signature-nonce", swapped),
    "another version": with_header("x-acs-version", swapped),
    "another action in the header": with_header("x-acs-action", swapped),
    "another security token": with_header("x-acs-security-token", swapped),
    "another media type": with_header("content-type", lambda value: f"{value}; boundary=x"),
    "no media type": without_header("content-type"),
    "one more x-acs- header": lambda request: replace(request, headers=(*request.headers, ("X-Acs-Extra", "1"))),
    "an x-acs- header twice": lambda request: replace(request, headers=(*request.headers, ("x-acs-version", "1"))),
    "no version": without_header("x-acs-version"),
    "another date": with_header("date", lambda value: value.replace("GMT", "UTC")),
    "another x-acs-date": with_header("x-acs-date", lambda value: value.replace("Z", "+00:00")),
    "no date": without_header("date"),
    "no x-acs-date": without_header("x-acs-date"),
    "another digest": with_header("content-md5", swapped),
    "no digest": without_header("content-md5"),
    "another hash": with_header("x-acs-content-sha256", swapped),
    "another signature": with_header(
        "authorization", lambda value: value[:-4] + ("AAA=" if value[-1] == "=" else "0000")
    ),
}
#: What only the newer scheme covers.
TAMPERED_ACS3 = {
    "another host": with_header("host", lambda value: f"x{value}"),
    "body longer": lambda request: replace(request, body=request.body + b" "),
    "no body": lambda request: replace(request, body=b""),
    "another version in the body": lambda request: replace(request, body=request.body.replace(b"6.7", b"6.8")),
    "a header less in the list": with_header("authorization", lambda value: value.replace("x-acs-date;", "")),
}


def covers(recording, name):
    return name not in TAMPERED_ACS3 or signature_scheme(recording.request) == ACS3.name


@pytest.mark.parametrize("name", [*TAMPERED, *TAMPERED_ACS3])
def test_whoever_tampers_with_a_request_is_found_out(name):
    """Over recordings of every client and scenario; a change that changes nothing is no tampering."""
    change = {**TAMPERED, **TAMPERED_ACS3}[name]
    changing = [one for one in VERIFYING if change(one.request) != one.request and covers(one, name)]

    @some
    @given(st.sampled_from(changing))
    def every_recording(recording):
        assert refused(change(recording.request))

    every_recording()


@often
@given(st.sampled_from(VERIFYING), st.data())
def test_no_byte_of_the_id_can_be_another(recording, data):
    """An equal encoding of it may: that is the same path."""
    head, mark, rest = recording.request.target.partition("/instances/")
    end = rest.index("/")
    assume(end > 0)
    at = data.draw(st.integers(0, end - 1), label="at")
    letter = data.draw(st.sampled_from("abcxyzABC019-._~"), label="letter")
    assume("%" not in rest[max(0, at - 2) : at + 1])
    assume(rest[at] != letter)
    target = f"{head}{mark}{rest[:at]}{letter}{rest[at + 1 :]}"
    assert refused(replace(recording.request, target=target))


@often
@given(st.sampled_from(VERIFYING))
def test_what_means_the_same_on_the_wire_verifies(recording):
    """Case and order of headers, blanks around values, hexadecimal digits of either case, a plus for a blank."""
    request = recording.request
    headers = tuple((name.swapcase(), f" {value}\t") for name, value in reversed(request.headers))
    path, mark, query = request.target.partition("?")
    target = path + mark + query.replace("%20", "+")
    assert not refused(replace(request, headers=headers, target=target))


@pytest.mark.parametrize("recording", VERIFYING[::45], ids=lambda recording: "-".join(recording.place[:2]))
def test_another_key_is_refused(recording):
    assert {found.rule.id for found in verify(recording.request, KEY_ID, "another")} >= {"signature.value"}
    found = {found.rule.id: found for found in verify(recording.request, "other", SECRET)}
    assert "signature.value" not in found
    assert (found["signature.access_key"].got, found["signature.access_key"].expected) == (repr(KEY_ID), "'other'")


# --- the two holes of ROA ---------------------------------------------------------------------------


def roa_signed(target, body=b"{}", headers=()):
    """A request signed as SDKs do."""
    given_headers = (
        ("Host", "127.0.0.1"),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("Date", "Mon, 23 Nov 2026 20:21:08 GMT"),
        ("x-acs-version", CONTRACT.version),
        *headers,
    )
    return signed(HttpRequest("POST", target, given_headers, body), ROA)


def acs3_signed(target, body=b"{}", headers=()):
    given_headers = (
        ("host", "127.0.0.1:8080"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-acs-content-sha256", hashlib.sha256(body).hexdigest()),
        ("x-acs-date", "2026-11-23T20:21:08Z"),
        ("x-acs-signature-nonce", "1"),
        ("x-acs-version", CONTRACT.version),
        *headers,
    )
    return signed(HttpRequest("POST", target, given_headers, body), ACS3)


def authorized(request, signature):
    """The request with that signature in its Authorization."""
    text = f"acs {KEY_ID}:{signature}"
    if any(name == "x-acs-date" for name, _ in request.headers):
        names = ";".join(sorted(name for name, _ in request.headers if name != "Authorization"))
        text = f"{ACS3.name} Credential={KEY_ID},SignedHeaders={names},Signature={signature}"
    headers = (pair for pair in request.headers if pair[0] != "Authorization")
    return replace(request, headers=(*headers, ("Authorization", text)))


def texts(request, scheme, which="canonicals"):
    """The texts that may be signed, or the slips."""
    said = scheme.read(authorized(request, "0").header("Authorization"))
    return list(getattr(scheme, which)(request, said))


def signed(request, scheme, text=None):
    return authorized(request, scheme.sign(SECRET, text or texts(request, scheme)[0]))


def test_hole_of_roa_a_body_without_content_md5_can_be_changed():
    """`signature.body_covered` says so, at level may: clients of the vendor's own do it."""
    request = roa_signed("/a", b'{"version":"6.7"}')
    tampered = replace(request, body=b'{"version":"ali1.2.0"}')
    assert not refused(tampered)
    assert broken(tampered).keys() == {"signature.body_covered"}
    covered = roa_signed("/a", b"{}", [("Content-MD5", base64.b64encode(hashlib.md5(b"{}").digest()).decode())])
    assert broken(covered).keys() == set()
    assert broken(replace(covered, body=b"")).keys() == {"signature.content_md5"}
    assert refused(replace(acs3_signed("/a"), body=b""))


def test_hole_of_roa_a_token_can_be_split_into_parameters():
    """The query is signed without encoding: a token that reads like a parameter is one, for all the signature says."""
    token = "x&dryRun=true"
    split = "/a?clientToken=x&dryRun=true"
    for make, hole in ((roa_signed, True), (acs3_signed, False)):
        request = make(f"/a?clientToken={quote(token, safe='')}")
        assert not refused(request)
        assert bool(refused(replace(request, target=split))) is not hole


# --- explanations -----------------------------------------------------------------------------------

TARGET = "/openapi/instances/es-cn%20a%2A/actions/upgrade-version?dryRun=true&clientToken=a%20b%2d"


@pytest.mark.parametrize(("make", "scheme"), [(acs3_signed, ACS3), (roa_signed, ROA)])
def test_a_usual_slip_is_told_with_the_first_line_that_differs(make, scheme):
    request = make(TARGET, headers=[("content-md5", "x")] if scheme is ROA else [])
    right = texts(request, scheme)
    told = {}
    for name, slipped in texts(request, scheme, "slips"):
        if slipped not in right:
            got = broken(signed(request, scheme, slipped))["signature.value"].got
            told[name] = got.startswith(f"the signature of {name}: line ")
    assert all(told.values()), told
    for name, sign in scheme.other_signatures.items():
        got = broken(authorized(request, sign(SECRET, right[0])))["signature.value"].got
        assert got == f"a signature that is right but {name}"


def test_what_was_signed_and_what_is_on_the_wire_stand_side_by_side():
    request = acs3_signed(TARGET)
    slip = dict(texts(request, ACS3, "slips"))["a query with + for a blank"]
    found = broken(signed(request, ACS3, slip))["signature.value"]
    assert "line 3 has 'clientToken=a+b-&dryRun=true' in place of 'clientToken=a%20b-&dryRun=true'" in found.got
    assert found.expected.startswith(
        r"the signature of 'POST\n/openapi/instances/es-cn%20a%2A/actions/upgrade-version\n"
    )


def test_of_a_long_line_the_place_is_shown_where_it_differs():
    request = acs3_signed(f"/a?clientToken={'x' * 40}%20{'y' * 40}")
    got = broken(signed(request, ACS3, dict(texts(request, ACS3, "slips"))["a query with + for a blank"]))
    x, y = "x" * 30, "y" * 29
    assert got["signature.value"].got.endswith(f"line 3 has …'{x}+{y}'… in place of …'{x}%20{y[:-2]}'…")


def test_a_stale_hash_is_known_by_what_it_is_of():
    """The signature over the hash that is named is right in itself; the hash is not."""
    request = replace(acs3_signed("/a", b""), body=b"{}")
    found = broken(request)
    assert ", the hash of an empty body" in found["signature.content_sha256"].got
    assert "an empty body: line" in found["signature.value"].got
    assert broken(acs3_signed("/a", headers=[])) == {}
    assert "nothing" in broken(without_header("x-acs-content-sha256")(request))["signature.content_sha256"].got


def test_an_order_of_the_list_that_was_signed_is_told():
    request = acs3_signed("/a")
    names = ["x-acs-version", "host", "content-type", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce"]
    text = f"{ACS3.name} Credential={KEY_ID},SignedHeaders={';'.join(names)},Signature="
    said = ACS3.read(f"{text}0")
    slip = dict(ACS3.slips(request, said))["the headers in the order of their list"]
    headers = (*request.headers[:-1], ("Authorization", text + ACS3.sign(SECRET, slip)))
    found = broken(replace(request, headers=headers))
    assert found.keys() == {"signature.value", "signature.header_list"}
    assert "the headers in the order of their list" in found["signature.value"].got


# --- what stands beside the signature ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "scheme", "rule"),
    [
        (None, None, "signature.absent"),
        ("", None, "signature.absent"),
        ("Bearer x", None, "signature.absent"),
        ("ACS3-RSA-SHA256 Credential=x", "ACS3-RSA-SHA256", "signature.scheme"),
        ("acs testAk", ROA.name, "signature.form"),
        ("acs testAk:a:b", ROA.name, "signature.form"),
        ("ACS3-HMAC-SHA256 Credential=testAk,Signature=0", ACS3.name, "signature.form"),
        ("acs3-hmac-sha256 credential=testAk,signedheaders=host,signature=0", ACS3.name, "signature.form"),
        ("acs3-hmac-sha256 Credential=testAk, SignedHeaders=host, Signature=0", ACS3.name, "signature.value"),
        ("ACS testAk:0", ROA.name, "signature.value"),
    ],
)
def test_the_form_of_authorization(authorization, scheme, rule):
    headers = () if authorization is None else (("Authorization", authorization),)
    request = HttpRequest("POST", "/a", headers)
    assert signature_scheme(request) == scheme
    assert rule in broken(request)


def test_authorization_stands_once():
    request = acs3_signed("/a")
    twice = replace(request, headers=(*request.headers, request.headers[-1]))
    assert broken(twice).keys() == {"signature.form"}


@pytest.mark.parametrize("text", ["2026-11-23T20:21:08Z"])
def test_a_date_is_fresh_within_a_quarter_of_an_hour(text):
    at = ACS3.date(text)
    assert at == ROA.date("Mon, 23 Nov 2026 20:21:08 GMT")
    request = acs3_signed("/a")
    for when in ((at, at), (at - 900, at - 900), (at + 900, at + 950), (at - 5000, at + 5000)):
        assert broken(request, when) == {}
    early = broken(request, (at - 950, at - 901))["signature.date_fresh"].got
    late = broken(request, (at + 901, at + 950))["signature.date_fresh"].got
    assert early == "'2026-11-23T20:21:08Z', 901 s after the request"
    assert late == "'2026-11-23T20:21:08Z', 901 s before the request"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23 20:21:08Z",
        "2026-11-23T20:21:08",
        "2026-11-23T20:21:08.123Z",
        "2026-13-23T20:21:08Z",
        "1795465268",
    ],
)
def test_a_date_of_acs3_is_iso_8601_to_the_second(text):
    assert ACS3.date(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon, 23 Nov 2026 20:21:08 +0000",
        "Mon Nov 23 20:21:08 2026",
        "Mon, 23 Nov 2026 20:61:08 GMT",
        "lun., 23 nov. 2026",
    ],
)
def test_a_date_of_roa_is_an_http_date(text):
    assert ROA.date(text) is None


def test_what_the_newer_scheme_asks_for_beside():
    request = acs3_signed("/a", headers=[("x-acs-action", "DescribeInstance")])
    assert broken(request).keys() == {"signature.action"}
    assert broken(signed(without_header("x-acs-signature-nonce")(request), ACS3)).keys() == {
        "signature.action",
        "signature.nonce",
    }
    assert broken(signed(without_header("x-acs-version")(request), ACS3)).keys() == {
        "signature.action",
        "signature.version",
    }
    dateless = with_header("x-acs-date", lambda _: "")(request)
    assert broken(signed(dateless, ACS3))["signature.date"].got == "nothing"


def test_nonces_that_are_used_again_are_named_once():
    nonces = ["1", "2", "1", "", "", "1"]
    requests = [HttpRequest("POST", "/", (("X-Acs-Signature-Nonce", nonce),)) for nonce in nonces]
    without = [HttpRequest("POST", "/")] * 2
    assert list(repeated_nonces([*requests, *without])) == ["1"]
    assert list(repeated_nonces(requests[:2])) == []


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.text(),
    st.lists(st.tuples(st.sampled_from(["Authorization", "Date", "x-acs-date", "Content-MD5", "x"]), st.text())),
    st.sampled_from(
        [
            "acs a:b",
            "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=x;host,Signature=b",
            "acs testAk:\u20ac",
            "acs testAk:\ud83d",
        ]
    ),
    st.binary(),
)
def test_nothing_at_all_makes_it_raise(target, headers, authorization, body):
    request = HttpRequest("POST", target, (("Authorization", authorization), *headers), body)
    json.dumps([str(found) for found in verify(request, "a", "b", when=(0.0, 0.0))])
    verify(request, "testAk", "\udcff")
