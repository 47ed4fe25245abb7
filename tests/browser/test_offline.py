"""What is taken along works: the zip opened from disk, and the menus above a page by keyboard."""

import zipfile

import pytest
import test_build
import test_links
from pages import STILL, open_whole, search, violations

from book._ext.offline import NAME, offline_files, write_zip

pytestmark = pytest.mark.browser

house = test_build.house


@pytest.fixture(scope="module")
def unpacked(site, tmp_path_factory):
    """The book as a reader has it, in a folder whose name holds a space and an umlaut."""
    folder = tmp_path_factory.mktemp("take") / "Bücher zum Lesen"
    target = folder.parent / f"{NAME}.zip"
    write_zip(offline_files(site), target)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(folder)
    return folder / NAME


@pytest.mark.parametrize(
    "name", ["book/index", "book/06-isometry", "book/08-mnist", "notebooks/oddity"]
)
def test_unpacked_pages_draw_all_without_a_network(page, unpacked, name):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    wrong = open_whole(page, (unpacked / f"{name}.html").as_uri())
    assert not wrong, "\n".join(wrong)
    assert len(asked) > 10
    assert all(url.startswith((unpacked.as_uri(), "data:", "blob:")) for url in asked)


def test_the_door_and_the_search_of_the_unpacked_book_work(page, unpacked):
    page.goto((unpacked / "index.html").as_uri())
    page.wait_for_url("**/book/index.html")
    search(page, unpacked.as_uri(), "isometry")
    assert not page.complaints


def test_no_file_of_the_site_is_lost_but_what_no_reader_needs(site, unpacked):
    def files(folder):
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    lost = files(site) - files(unpacked)
    assert files(unpacked) <= files(site)
    kinds = (".map", ".pdf", ".zip", ".buildinfo", ".nojekyll")
    assert not {
        name for name in lost if not name.startswith("binder/") and not name.endswith(kinds)
    }


@pytest.fixture
def published_page(house, page):
    """A page built where the repository is known, served on this machine."""
    run = test_build.make(house, "book", **test_links.PUBLISHED)
    assert run.returncode == 0, run.stderr
    with test_links.served(house / "_build/html") as (address, _):
        page.goto(f"{address}book/01-tiny.html")
        page.wait_for_load_state("networkidle")
        page.add_style_tag(content=STILL)
        yield page


def test_the_menus_are_reached_and_read_by_keyboard(published_page):
    """Each menu opens on Enter and is walked with the arrow; nothing grave is left to axe."""
    page = published_page
    for menu, words in {
        "Run this page": ["Colab", "Binder"],
        "Download this page": [
            "Notebook (.ipynb)",
            "Whole book (.pdf)",
            "Whole book (.zip)",
            ".md",
            ".pdf",
        ],
    }.items():
        button = page.get_by_role("button", name=menu, exact=True)
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-expanded") == "true"
        walked = []
        for _ in words:
            page.keyboard.press("ArrowDown")
            walked.append(page.evaluate("document.activeElement.innerText.trim()"))
        assert walked == words
        # Bootstrap hangs its tooltips below the body, outside every landmark
        assert [fault for fault in violations(page) if 'role="tooltip"' not in fault] == []
        page.keyboard.press("Escape")
        assert button.get_attribute("aria-expanded") == "false"
