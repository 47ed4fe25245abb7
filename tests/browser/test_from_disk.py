"""From disk, on a phone, every page is drawn whole too; the door and the search lead to pages."""

import pytest
from conftest import built_pages
from pages import PHONE, assert_fits, open_whole, picture, search

pytestmark = pytest.mark.browser

# pages that share a template share its faults on a phone; at night each is opened
ONE_OF_EACH_KIND = [
    "book/index.html",
    "book/05-geodesics.html",
    "book/12-injective-decoders.html",
    "book/api/geometry.html",
    "book/errata.html",
    "book/teaching/plans.html",
    "notebooks/oddity.html",
    "search.html",
    "_modules/geokit/pullback.html",
]
ALL = ONE_OF_EACH_KIND + [
    pytest.param(name, marks=pytest.mark.nightly)
    for name in built_pages()
    if name not in ONE_OF_EACH_KIND
]


@pytest.mark.parametrize("name", ALL)
def test_page_is_whole_and_fits_on_a_phone_and_from_disk(page, site, name):
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    wrong = open_whole(page, (site / name).as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    picture(page, name, "phone")
    assert not wrong, "\n".join(wrong)
    assert_fits(page, PHONE)


def test_the_door_leads_to_the_first_page(page, site, address):
    for url in (f"{address}/", (site / "index.html").as_uri()):
        page.goto(url)
        page.wait_for_url("**/book/index.html")
    assert not page.complaints


@pytest.mark.parametrize("opened", ["http", "file"])
def test_search_finds_a_page_that_opens(page, site, address, opened):
    search(page, address if opened == "http" else site.as_uri(), "metric")
    assert not page.complaints
