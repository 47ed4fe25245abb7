"""From disk every page is drawn whole too; the door and the search lead to pages that open."""

import pytest
from pages import open_whole

pytestmark = pytest.mark.browser


def test_page_is_whole_from_disk(page, site, path):
    page.emulate_media(color_scheme="light")
    wrong = open_whole(page, (site / path).as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert not wrong, "\n".join(wrong)


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
