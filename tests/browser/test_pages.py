"""Every built page is drawn whole, over http and from disk, alone.

axe-core finds no violation of any level on it, in light and dark.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import open_whole

pytestmark = pytest.mark.browser


def violations(page) -> list[str]:
    """What axe-core finds, of any level."""
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]}\n{node.get('failureSummary', '')}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_whole_over_http_and_accessible(page, address, path, scheme, take):
    page.emulate_media(color_scheme=scheme)
    wrong = open_whole(page, f"{address}/{path}")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    take(scheme)
    wrong += violations(page)
    assert not wrong, "\n".join(wrong)


def test_page_is_whole_from_disk(page, site, path):
    assert not (wrong := open_whole(page, (site / path).as_uri())), "\n".join(wrong)


def test_the_door_leads_to_the_first_page(page, site, address):
    for url in (f"{address}/", (site / "index.html").as_uri()):
        page.goto(url)
        page.wait_for_url("**/book/index.html")
    assert not page.complaints


@pytest.mark.parametrize("opened", ["http", "file"])
def test_search_finds_a_page_that_opens(page, site, address, opened):
    door = address if opened == "http" else site.as_uri()
    page.goto(f"{door}/book/index.html")
    page.locator(".search-button__button:visible").first.click()
    page.locator("input[type=search]:visible").first.fill("metric")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=metric**")
    first = page.locator("#search-results li a").first
    first.wait_for()
    first.click()
    page.wait_for_url("**/book/**")
    assert page.locator(".bd-article h1").count() == 1
    assert not page.complaints
