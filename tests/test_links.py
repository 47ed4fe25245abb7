"""The buttons of a page lead to files that are there; a notebook opened alone finds its own."""

import functools
import importlib.util
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbclient
import nbformat
import pytest
import test_build
import yaml
from bs4 import BeautifulSoup

from book._ext import offline, published

ROOT = Path(__file__).parents[1]


house = test_build.house
WHERE = "owner/name"
PUBLISHED = {"GITHUB_REPOSITORY": WHERE, "GITHUB_SHA": "0123abc"}
RAW = f"https://raw.githubusercontent.com/{WHERE}/gh-pages/"
NOWHERE = {"GITHUB_REPOSITORY": "", "GITHUB_SHA": ""}
# an address of the branch or of the published site -> the file on the branch
ADDRESSES = [
    r"https://colab\.research\.google\.com/github/owner/name/blob/gh-pages/(.+)",
    r"https://mybinder\.org/v2/gh/owner/name/gh-pages\?urlpath=lab/tree/(.+)",
    r"https://owner\.github\.io/name/(.+)",
]


def buttons(house: Path, page: str = "book/01-tiny") -> dict[str, str]:
    """What the menus above a page offer: words -> address."""
    html = (house / f"_build/html/{page}.html").read_text(encoding="utf-8")
    links = BeautifulSoup(html, "html.parser").select(".article-header-buttons .dropdown-menu a")
    return {link.get_text(strip=True): link["href"] for link in links}


def on_the_branch(address: str) -> str:
    found = [match[1] for form in ADDRESSES if (match := re.fullmatch(form, address))]
    assert found, f"{address} is no address of the repository"
    return found[0]


def test_every_button_leads_to_a_file_that_is_published(house):
    test_build.write(house / "notebooks/results/tiny/distances.csv", "euclidean\n1\n")
    run = test_build.make(house, "book", **PUBLISHED)
    assert run.returncode == 0, run.stderr
    site, offered = house / "_build/html", buttons(house)
    launched = {on_the_branch(offered.pop(words)) for words in ("Colab", "Binder")}
    assert launched == {"book/01-tiny.ipynb"}
    taken = {on_the_branch(offered.pop(f"Whole book ({kind})")) for kind in (".pdf", ".zip")}
    assert taken == put_beside_the_pages()
    assert set(offered) == {"Notebook (.ipynb)", ".md"}
    for address in [*launched, *(f"book/{address}" for address in offered.values())]:
        assert (site / address).resolve().is_file(), address
    assert set(buttons(house, "book/index")) == {"Whole book (.pdf)", "Whole book (.zip)", ".md"}

    assert (site / "notebooks/results/tiny/distances.csv").is_file()
    assert (site / "book/style.mplstyle").is_file()
    assert not [*site.rglob("*.py")]  # book/_assets holds what draws a picture, too
    environment = (site / "binder/requirements.txt").read_text(encoding="utf-8")
    assert "geokit[flows] @ git+https://github.com/owner/name@0123abc" in environment.splitlines()
    assert "-c constraints.txt" in environment.splitlines()
    assert (site / "binder/constraints.txt").read_bytes() == (
        house / "constraints.txt"
    ).read_bytes()


def put_beside_the_pages() -> set[str]:
    """The files that the workflow makes and copies into the site before it is published."""
    text = (ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8")
    steps = [step.get("run", "") for step in yaml.safe_load(text)["jobs"]["publish"]["steps"]]
    assert any(run.split() == ["make", "pdf", "zip"] for run in steps)
    copied = re.search(r"^cp (.+) _build/html/$", "\n".join(steps), re.M)[1].split()
    return {Path(file).name for file in copied}


def test_where_the_repository_is_not_known_only_the_notebook_is_offered(house):
    run = test_build.make(house, "book", **NOWHERE)
    assert run.returncode == 0, run.stderr
    assert set(buttons(house)) == {"Notebook (.ipynb)", ".md"}
    assert set(buttons(house, "book/index")) == {".md"}
    html = (house / "_build/html/book/01-tiny.html").read_text(encoding="utf-8")
    for host in ("colab", "mybinder", "github"):
        assert host not in html
    assert not (house / "_build/html/binder").exists()


def test_an_edition_that_is_not_published_offers_nothing_that_is(house):
    """Colab would open the reader's notebook, with the solutions."""
    config = (house / "_config.yml").read_text(encoding="utf-8")
    line = "    language: en\n"
    assert line in config
    test_build.write(
        house / "_config.yml", config.replace(line, f"{line}    publish_links: false\n")
    )
    run = test_build.make(house, "book", **PUBLISHED)
    assert run.returncode == 0, run.stderr
    assert set(buttons(house)) == {"Notebook (.ipynb)", ".md"}
    assert not (house / "_build/html/binder").exists()


@pytest.mark.parametrize(
    ("variable", "url", "found"),
    [
        ("owner/name", "", "owner/name"),
        ("", "https://github.com/owner/the.name/", "owner/the.name"),
        ("", "https://github.com/owner/name.git", "owner/name"),
        ("fork/name", "https://github.com/owner/name", "fork/name"),
        ("", "", None),
    ],
)
def test_the_repository_is_what_the_workflow_says_or_the_configuration(
    tmp_path, monkeypatch, variable, url, found
):
    monkeypatch.setenv("GITHUB_REPOSITORY", variable)
    (tmp_path / "_config.yml").write_text(f"repository: {{url: '{url}'}}\n", encoding="utf-8")
    assert published.repository(tmp_path) == found


@pytest.mark.parametrize("given", ["owner", "https://example.org/owner/name", "a/b/c", "o/n x"])
def test_what_is_no_repository_is_named_in_one_sentence(tmp_path, monkeypatch, given):
    monkeypatch.setenv("GITHUB_REPOSITORY", given)
    (tmp_path / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"owner/name on GitHub is needed: mend the") as fault:
        published.repository(tmp_path)
    assert repr(given) in str(fault.value)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The files that cells read, and others."""
    for name in ("book/style.mplstyle", "notebooks/results/a/b.csv", "notebooks/specs/c.toml"):
        test_build.write(tmp_path / "house" / name, f"This is {name}.\n")
    test_build.write(tmp_path / "house/notebooks/runs/mine.csv", "private\n")
    return tmp_path / "house"


def test_the_files_of_the_notebooks_are_the_same_bytes_whenever_they_are_packed(book, tmp_path):
    offline.write_zip(published.carried(book), tmp_path / "one.zip")
    for path in book.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (book / "notebooks/specs/c.toml").chmod(0o600)
    offline.write_zip(published.carried(book), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        held = {name: archive.read(name).decode() for name in archive.namelist()}
    assert held == {name: f"This is {name}.\n" for name in published.carried(book)}
    assert list(held) == [
        "book/style.mplstyle",
        "notebooks/results/a/b.csv",
        "notebooks/specs/c.toml",
    ]


class Counting(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_message(self, *args: object) -> None:
        self.asked.append(self.path)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder served on this machine: its address, and what it was asked for."""
    handler = type("Here", (Counting,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", handler.asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def branch(book, tmp_path):
    """The branch gh-pages on this machine."""
    site = tmp_path / "site"
    site.mkdir()
    offline.write_zip(published.carried(book), site / "files.zip")
    with served(site) as there:
        yield there


def run_cells(folder: Path, *sources: str) -> str:
    """What the last of these cells prints, run by a kernel in `folder`."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": folder}}
    ).execute()
    return "".join(output.get("text", "") for output in cells[-1].outputs)


READ = """\
from pathlib import Path
for name in ("../book/style.mplstyle", "../notebooks/results/a/b.csv", "../notebooks/specs/c.toml"):
    print(Path(name).read_text(), end="")
print("in", Path.cwd().name)
"""
ALL_READ = "".join(
    f"This is {name}.\n"
    for name in ("book/style.mplstyle", "notebooks/results/a/b.csv", "notebooks/specs/c.toml")
)


@pytest.mark.parametrize("folder", ["book", "notebooks"])
def test_a_notebook_opened_alone_fetches_its_files_once(tmp_path, branch, folder):
    address, asked = branch
    cell = published.first_cell(WHERE, folder).replace(RAW, address)
    alone = tmp_path / "Downloads, für später"
    alone.mkdir()
    assert run_cells(alone, cell, READ) == f"{ALL_READ}in {folder}\n"
    assert asked == ["/files.zip"]
    assert run_cells(alone, cell, cell, READ) == f"{ALL_READ}in {folder}\n"
    assert asked == ["/files.zip"]


def test_with_the_book_around_it_the_cell_touches_nothing(book, branch):
    address, asked = branch
    before = sorted(book.rglob("*"))
    cell = published.first_cell(WHERE).replace(RAW, address)
    for source in (cell, published.first_cell(None)):
        assert run_cells(book / "book", source, READ) == f"{ALL_READ}in book\n"
    assert sorted(book.rglob("*")) == before
    assert asked == []


HIDE = """\
import importlib.util
importlib.util.find_spec = lambda name: None
get_ipython().register_magic_function(lambda line: print("pip", line), magic_name="pip")
"""


def test_geokit_is_installed_where_it_is_missing_at_the_commit_of_the_page(book, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "0123abc")
    said = run_cells(book / "book", HIDE, published.first_cell(WHERE))
    wanted = "geokit[flows] @ git+https://github.com/owner/name@0123abc"
    assert said == f'pip install --quiet "{wanted}" anywidget\n'


def test_where_nothing_can_be_fetched_one_sentence_says_what_to_do(book, tmp_path, monkeypatch):
    cell = compile(published.first_cell(None), "first cell", "exec")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"put this notebook into the folder `book` of a"):
        exec(cell, {})
    monkeypatch.chdir(book / "book")
    exec(cell, {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"run `pip install -e .` in a clone of the book"):
        exec(cell, {})


def test_the_offline_zip_is_the_site_in_one_folder_and_the_same_bytes_each_time(tmp_path):
    site = tmp_path / "_build/html"
    assert offline.main(tmp_path) == (
        "There is no built book in _build/html: run `make book` first."
    )
    for name in ("index.html", "book/a.html", "book/a.ipynb", "_static/x.js", "_static/x.js.map"):
        test_build.write(site / name, name)
    test_build.write(site / "binder/requirements.txt", "geokit")
    assert offline.main(tmp_path) is None
    target = tmp_path / "_build/geometry-of-latent-spaces.zip"
    first = target.read_bytes()
    os.utime(site / "index.html", (1e9, 1e9))
    assert offline.main(tmp_path) is None
    assert target.read_bytes() == first
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"geometry-of-latent-spaces/{name}"
            for name in ("_static/x.js", "book/a.html", "book/a.ipynb", "index.html")
        ]
