"""Sphinx: what of the book is published where, and what a page offers to take along or to run.

The theme's own launch buttons lead to a page's Markdown; the editions write notebooks beside the
pages. Launchers and downloads of the whole book are on the published site, so where the repository
is not known they are left out, as they are with `publish_links: false`.
"""

import os
import re
import shutil
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

from .offline import NAME, write_zip
from .render import render

CARRIED = ("book/style.mplstyle", "notebooks/results", "notebooks/specs")  # what cells read


def repository(root: Path) -> str | None:
    """`owner/name`, from GitHub's workflow or from `repository: url:` in _config.yml, or None.

    Raises:
        ValueError: what was given is no repository on GitHub.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    given = os.environ.get("GITHUB_REPOSITORY") or (config.get("repository") or {}).get("url")
    if not given:
        return None
    name = given.removeprefix("https://github.com/").removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"[\w-]+/[\w.-]+", name):
        raise ValueError(
            f"The repository is given as {given!r}, and owner/name on GitHub is needed: mend the "
            f"environment variable GITHUB_REPOSITORY, or `repository: url:` in _config.yml."
        )
    return name


def requirement(name: str | None) -> str:
    """The library for pip, at the commit of the pages where GitHub's workflow tells it."""
    commit = os.environ.get("GITHUB_SHA")
    return f"geokit[flows] @ git+https://github.com/{name}" + (f"@{commit}" if commit else "")


def first_cell(name: str | None, folder: str = "book") -> str:
    """The first cell of a notebook in `folder`: opened alone, the notebook fetches the rest by it.

    In a clone of the book, or of its published branch, the cell does nothing.
    """
    told = {"repository": name, "requirement": requirement(name), "name": NAME, "folder": folder}
    return render("first_cell.py.j2", **told)


def carried(root: Path) -> dict[str, Path]:
    """The files that cells read, by their names in the book."""
    found = [path for name in CARRIED for path in (root / name, *(root / name).rglob("*"))]
    return {path.relative_to(root).as_posix(): path for path in found if path.is_file()}


def add_buttons(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    groups = context.get("header_buttons")
    if not groups or not doctree:
        return
    published = (app.config.published or "") if app.config.publish_links else ""
    owner, _, project = published.partition("/")
    told = {"owner": owner, "project": project, "name": NAME, "page": page}
    ours = yaml.safe_load(render("buttons.yml.j2", **told))
    has_cells = "kernelspec" in app.env.metadata.get(page, ())
    offered = ours["notebook"] * has_cells + ours["book"] * bool(published)
    for group in groups:
        if group.get("label") == "download-buttons":
            kept = group["buttons"]
            if has_cells and context["sourcename"].endswith(".ipynb"):  # the source is the same
                kept = [one for one in kept if one["label"] != "download-source-button"]
            group["buttons"] = offered + kept
    if has_cells and published:
        groups.insert(0, ours["run"])


def find_repository(app: Sphinx, config: object) -> None:
    try:
        config.published = repository(Path(app.srcdir))
    except ValueError as fault:
        raise ConfigError(str(fault)) from None


def add_files(app: Sphinx, fault: Exception | None) -> None:
    """What the notebooks read, beside them; for Binder, the environment."""
    if fault or app.builder.format != "html":
        return
    root, site = Path(app.srcdir), Path(app.outdir)
    for name, path in carried(root).items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, site / name)
    write_zip(carried(root), site / "files.zip")
    if app.config.published and app.config.publish_links:
        folder = site / "binder"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(root / "constraints.txt", folder / "constraints.txt")
        (folder / "runtime.txt").write_text("python-3.11\n", encoding="utf-8")
        needed = render("requirements.txt.j2", requirement=requirement(app.config.published))
        (folder / "requirements.txt").write_text(needed, encoding="utf-8")


def join(app: Sphinx) -> None:
    app.add_config_value("publish_links", True, "html", bool)
    app.add_config_value("published", None, "html", (str, type(None)))
    app.connect("config-inited", find_repository)
    app.connect("html-page-context", add_buttons, priority=900)  # after the theme's own, at 501
    app.connect("build-finished", add_files)
