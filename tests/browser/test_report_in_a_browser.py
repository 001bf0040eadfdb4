"""The HTML report in a real browser: nothing is run or loaded, all of it can be reached, seen, filtered and printed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))
from browser import NEEDS
from documents import capital, document, everything

from pytest_es_upgrade.report import write

pytestmark = pytest.mark.needs(*NEEDS)

#: What a slip in escaping would let in.
INTRUDERS = """
    document.body.insertAdjacentHTML("beforeend", '<img src="http://127.0.0.1:9/" onerror="window.owned = 1">');
    document.body.append(Object.assign(document.createElement("script"), {textContent: "window.owned = 1"}));
"""
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CASE = "plain:idempotency.lost.half_body"


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Reports by name: of two clients with everything in it, of one, and of nothing."""
    folder = tmp_path_factory.mktemp("reports")
    documents = {
        "everything": everything(("plain", "other-client")),
        "one": document({"plain": [capital()]}, level="should"),
        "nothing": document({}),
    }
    for name, made in documents.items():
        write(folder / f"{name}.html", made)
    return {name: f"file://{folder / name}.html" for name in documents}


@pytest.fixture
def opened(browser, files):
    """Open a report, with options of the context; what the page complains of fails the test."""
    contexts, complaints = [], []

    def open_(name="everything", anchor="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on("request", lambda request: complaints.append(request.url) if "file:" not in request.url else None)
        page.goto(f"{files[name]}{anchor}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def shown(page, selector="details.case"):
    """How many of these can be seen, once the page has done what it was asked for: a reset comes a turn later."""
    page.evaluate("new Promise(done => setTimeout(done))")
    return page.locator(selector).evaluate_all("all => all.filter((one) => one.checkVisibility()).length")


def open_details(page):
    return page.locator("details.case[open] > .inside").evaluate_all("all => all.map(one => one.id)")


# --- what a client said stays text -------------------------------------------------------------------


def test_nothing_of_a_clients_is_run(opened):
    page = opened(anchor="#plain:error.hostile")
    assert page.title() == "2 of 2 clients break the contract: UpgradeEngineVersion"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    assert "<script>document.title='owned'</script>" in page.locator("[id='plain:error.hostile']").inner_text()


def test_the_policy_stops_what_would_get_in_nevertheless(browser, files):
    context = browser.new_context()
    page = context.new_page()
    page.goto(files["one"])
    page.evaluate(INTRUDERS)
    page.wait_for_timeout(50)
    assert page.evaluate("window.owned") is None
    context.close()


# --- for everybody ------------------------------------------------------------------------------------

WAYS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}},
    "no scripts": {"java_script_enabled": False},
    "forced colours": {"forced_colors": "active"},
}


@pytest.mark.parametrize("name", ["everything", "one", "nothing"])
@pytest.mark.parametrize("way", ["light", "dark", "phone"])
def test_a_checker_of_accessibility_finds_nothing(opened, name, way):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(name, **WAYS[way])
    page.evaluate(OPEN_ALL)
    results = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_is_wider_than_the_screen(opened, way, width):
    page = opened(**{**WAYS[way], "viewport": {"width": width, "height": 740}})
    if way != "no scripts":
        page.evaluate(OPEN_ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").bounding_box()["width"] <= width


def test_everything_is_there_without_scripts(opened):
    page = opened(anchor=f"#{CASE}", java_script_enabled=False)
    assert page.locator("#filters").is_hidden()
    assert page.locator(f"[id='{CASE}'] .diagram").is_visible()
    page.locator("summary", has_text="request.sent").first.click()
    assert page.get_by_text("nothing was sent", exact=True).first.is_visible()


def test_it_is_used_by_keyboard(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to what is wrong"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#wrong"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('section').id || document.activeElement.textContent") != ""
    page.locator("details.case > summary").first.focus()
    page.keyboard.press("Space")
    assert len(open_details(page)) == 1
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


# --- links and filters ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_link_to_a_case_opens_it(opened, scripts):
    page = opened(anchor=f"#{CASE}", java_script_enabled=scripts)
    assert page.locator(f"[id='{CASE}']").is_visible()
    assert page.locator(f"[id='{CASE}']").bounding_box()["y"] < 740


def test_a_link_within_the_report_opens_what_it_points_to(opened):
    page = opened()
    page.locator("table.all td a").first.click()
    assert open_details(page) == [page.evaluate("decodeURIComponent(location.hash.slice(1))")]
    page.evaluate("location.hash = '#%E0%A4%A'")
    page.evaluate("location.hash = '#nowhere'")
    assert len(open_details(page)) == 1


def test_filters(opened):
    from playwright.sync_api import expect

    page = opened()
    every = shown(page)
    page.get_by_role("checkbox", name="known").check()
    assert shown(page) == 2
    assert page.locator("output").inner_text() == f"2 of {every} cases in full, 1 of 16 in the table"
    page.get_by_role("combobox", name="Client").select_option("plain")
    assert shown(page) == 1
    assert page.evaluate("location.hash") == "#?verdict=known&client=plain"
    page.get_by_role("button", name="Show all").click()
    # A form is reset after the event that tells of it. (Not wait_for_function: the page forbids eval.)
    expect(page).to_have_url(re.compile(r"^[^?]*$"))
    assert page.evaluate("location.hash") == ""
    assert shown(page) == every
    page.get_by_role("combobox", name="Family").select_option("error")
    page.get_by_role("checkbox", name="must").check()
    assert 0 < shown(page) < every
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("searchbox", name="Text").fill("HALF_BODY")
    assert {one.get_attribute("data-family") for one in page.locator("details.case:visible").all()} == {"idempotency"}
    assert shown(page, ".problem") == 2


def test_filters_are_part_of_the_link(opened):
    page = opened(anchor="#?verdict=failed&family=error&text=hostile")
    assert shown(page) == 2
    assert page.get_by_role("checkbox", name="failed").is_checked()
    assert page.get_by_role("combobox", name="Family").input_value() == "error"
    page.evaluate("location.hash = '#?'")
    assert shown(page) > 2


def test_a_link_to_what_is_filtered_out_shows_it(opened):
    page = opened(anchor="#?verdict=known")
    page.evaluate(f"location.hash = '#{CASE}'")
    assert page.locator(f"[id='{CASE}']").is_visible()
    assert not page.get_by_role("checkbox", name="known").is_checked()


# --- printed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_printed_it_is_all_open(opened, scripts):
    page = opened("one", java_script_enabled=scripts)
    closed = page.locator(".diagram").first
    assert not closed.is_visible()
    page.emulate_media(media="print")
    assert closed.bounding_box()["height"] > 50
    assert page.pdf().startswith(b"%PDF")
