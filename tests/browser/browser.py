"""The browser, and what has to be there for it."""

from __future__ import annotations

from contextlib import contextmanager

from needs import path_of

#: What there has to be of the table in tests/needs.py.
NEEDS = ("chromium", "playwright", "axe_playwright_python")
#: Nothing of it goes over a network, and it runs where there is no sandbox.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()
