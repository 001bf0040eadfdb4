"""Runs of pytest within this process: they forget what is their own, and leave the libraries whole."""

from __future__ import annotations

import sys


def test_only_modules_of_its_own_are_forgotten(pytester, monkeypatch):
    monkeypatch.delitem(sys.modules, "pyclbr", raising=False)
    pytester.makepyfile(of_its_own="", test_inner="import of_its_own, pyclbr\ndef test_inner(): pass")
    assert pytester.runpytest_inprocess("-p", "no:randomly").ret == 0
    assert "pyclbr" in sys.modules
    assert "of_its_own" not in sys.modules
    assert "test_inner" not in sys.modules
