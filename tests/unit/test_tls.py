"""Certificates made on the fly: each is right but for the one thing that its name says, and their file goes."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
from pathlib import Path

import pytest

from pytest_es_upgrade.errors import MissingExtra
from pytest_es_upgrade.messages import UpgradeRequest
from pytest_es_upgrade.server import authority, end, forget
from pytest_es_upgrade.standin import StandIn
from tests.clients.plain import PlainClient


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    end()


def handshake(stand_in, **changes):
    context = ssl.create_default_context(cafile=stand_in.endpoint.ca_file)
    for name, value in changes.items():
        setattr(context, name, value)
    with (
        socket.create_connection((stand_in.endpoint.host, stand_in.endpoint.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=stand_in.endpoint.host) as secured,
    ):
        return secured.getpeercert()


def test_a_run_of_pytest_within_this_process_leaves_the_library_whole(pytester):
    pytester.makepyfile("def test_inner():\n    import trustme\n    trustme.CA().issue_cert('localhost')")
    assert pytester.runpytest_inprocess("-p", "no:randomly").ret == 0
    forget()  # so that it is asked anew
    with StandIn(certificate="good") as stand_in:
        assert handshake(stand_in)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_good_one_is_good_under_every_name_of_loopback(host):
    with StandIn(host=host, certificate="good") as stand_in:
        assert handshake(stand_in)
        assert PlainClient(stand_in.endpoint)(UpgradeRequest("es-cn-a", "6.7"))["Result"]


@pytest.mark.parametrize(
    ("certificate", "why", "pardon"),
    [
        (
            "untrusted",
            "unable to get local issuer|self.signed",
            {"check_hostname": False, "verify_mode": ssl.CERT_NONE},
        ),
        ("expired", "certificate has expired", {"verify_flags": 0x200000}),
        ("wrong_name", "IP address mismatch", {"check_hostname": False}),
    ],
)
def test_each_wrong_one_is_wrong_in_one_thing(certificate, why, pardon):
    with StandIn(certificate=certificate) as stand_in:
        with pytest.raises(ssl.SSLCertVerificationError, match=why):
            handshake(stand_in)
        handshake(stand_in, **pardon)


def test_another_certificate_is_shown_from_then_on_and_open_connections_end():
    with StandIn(certificate="good") as stand_in:
        context = ssl.create_default_context(cafile=stand_in.endpoint.ca_file)
        address = (stand_in.endpoint.host, stand_in.endpoint.port)
        with context.wrap_socket(socket.create_connection(address, timeout=10), server_hostname=address[0]) as kept:
            stand_in.present("expired")
            with contextlib.suppress(OSError):  # an end without a word of TLS
                assert kept.recv(1) == b""
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            handshake(stand_in)
        stand_in.present("good")
        assert handshake(stand_in)


def test_one_authority_for_the_process_and_its_file_goes_with_it():
    first = authority()
    assert authority() is first
    assert first.context("good") is first.context("good")
    path = Path(first.ca_file)
    assert path.read_text().startswith("-----BEGIN CERTIFICATE-----")
    forget()
    assert not path.parent.exists()
    forget()
    assert authority() is not first


def test_a_fork_leaves_the_file_alone(monkeypatch):
    made = authority()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        forget()
    path = Path(made.ca_file)
    assert path.exists()
    path.unlink()
    path.parent.rmdir()


def test_without_its_library_it_says_what_to_install(monkeypatch):
    forget()
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(
        MissingExtra, match=r'TLS needs trustme; install it with: pip install "pytest-es-upgrade\[tls\]"'
    ):
        StandIn(certificate="good")
