"""Sphinx: buttons that take a page along or run it, and the files beside the pages that they need.

The notebooks themselves are written beside their pages by the editions. Launchers and downloads of
the whole book are on the published site, so where the repository is not known they are left out, as
they are with `publish_links: false`.
"""

import shutil
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

from .first_cell import FILES, carried, files_zip
from .published import NAME, binder, colab, page, repository, requirement


def link(text: str, url: str, icon: str, tooltip: str, label: str) -> dict[str, str]:
    """A button as the theme's macros take it."""
    return {
        "type": "link",
        "text": text,
        "url": url,
        "icon": icon,
        "tooltip": tooltip,
        "label": label,
    }


def notebook_of(app: Sphinx, name: str) -> str | None:
    """The name of the notebook beside a page that has cells."""
    is_notebook = "kernelspec" in app.env.metadata.get(name, ())
    return f"{name}.ipynb" if is_notebook else None


def download_links(notebook: str | None, published: str | None) -> list[dict]:
    links = []
    if notebook:
        beside = PurePosixPath(notebook).name
        words = "Notebook (.ipynb)", beside, "fas fa-code", "Download this page as a notebook"
        links.append(link(*words, "download-notebook-button"))
    if published:
        pdf, site = page(published, f"{NAME}.pdf"), page(published, f"{NAME}.zip")
        words = "Whole book (.pdf)", pdf, "fas fa-book", "Download the whole book to print"
        links.append(link(*words, "download-book-button"))
        words = (
            "Whole book (.zip)",
            site,
            "fas fa-file-zipper",
            "Download all pages, to read offline",
        )
        links.append(link(*words, "download-site-button"))
    return links


def launch_group(notebook: str, published: str) -> dict:
    return {
        "type": "group",
        "tooltip": "Run this page",
        "icon": "fas fa-rocket",
        "label": "launch-buttons",
        "buttons": [
            link(
                where,
                address(published, notebook),
                f"_static/images/logo_{where.lower()}.{kind}",
                f"Run this page on {where}",
                f"launch-{where.lower()}-button",
            )
            for where, address, kind in (("Colab", colab, "png"), ("Binder", binder, "svg"))
        ],
    }


def add_buttons(
    app: Sphinx, name: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    groups = context.get("header_buttons")
    if not groups or not doctree:
        return
    published = app.config.published if app.config.publish_links else None
    notebook = notebook_of(app, name)
    for group in groups:
        if group.get("label") == "download-buttons":
            buttons = group["buttons"]
            if notebook and context["sourcename"].endswith(".ipynb"):  # it is the same
                buttons = [b for b in buttons if b["label"] != "download-source-button"]
            group["buttons"] = [*download_links(notebook, published), *buttons]
    if notebook and published:
        groups.insert(0, launch_group(notebook, published))


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
    files_zip(root, site / FILES)
    if app.config.published and app.config.publish_links:
        folder = site / "binder"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(root / "constraints.txt", folder / "constraints.txt")
        (folder / "runtime.txt").write_text("python-3.11\n", encoding="utf-8")
        (folder / "requirements.txt").write_text(
            "--extra-index-url https://download.pytorch.org/whl/cpu\n"
            f"-c constraints.txt\nanywidget\n{requirement(app.config.published)}\n",
            encoding="utf-8",
        )


def join(app: Sphinx) -> None:
    app.add_config_value("publish_links", True, "html", bool)
    app.add_config_value("published", None, "html", (str, type(None)))
    app.connect("config-inited", find_repository)
    app.connect("html-page-context", add_buttons, priority=900)  # after the theme's own, at 501
    app.connect("build-finished", add_files)
