"""The document that is printed: a title page, the contents, and the articles of all pages."""

import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

LOOK = Path(__file__).with_suffix(".css")
Part = tuple[str, list[str]]
Entry = tuple[int, str, str]  # depth, title, anchor


def parts_of(root: Path) -> list[Part]:
    """Captions with the pages below them, as in _toc.yml; the first page has no caption."""
    toc = parse_toc_yaml(root / "_toc.yml")

    def below(name: str) -> Iterator[str]:
        yield name
        for tree in toc[name].subtrees:
            for page in tree.files():
                yield from below(page)

    parts = [("", [toc.root.docname])]
    for tree in toc.root.subtrees:
        parts.append((tree.caption or "", [page for file in tree.files() for page in below(file)]))
    return parts


def about(root: Path) -> dict[str, str]:
    """What the title page says, from the book's configuration and the package's."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = {name: config[name] for name in ("title", "author", "copyright")}
    return told | {
        "language": config["sphinx"]["config"]["language"],
        "version": project["version"],
    }


def entries(parts: list[Part], articles: Mapping[str, dict]) -> Iterator[Entry]:
    """The parts, pages and sections, for the contents and for the bookmarks."""
    for number, (caption, names) in enumerate(parts):
        if caption:
            yield 0, caption, f"part-{number}"
        for name in names:
            for level, title, anchor in articles[name]["sections"]:
                depth = level - 1 + bool(caption)
                yield depth, title, name if level == 1 else anchor


def contents(lines: Iterator[Entry]) -> str:
    items = "".join(
        f'<li class="depth-{depth}"><a href="#{escape(anchor)}">{escape(title)}</a></li>'
        for depth, title, anchor in lines
    )
    return f'<nav class="book-contents"><h1>Contents</h1><ol>{items}</ol></nav>'


def title_page(told: Mapping[str, str]) -> str:
    title, author, since, version = (
        escape(told[name]) for name in ("title", "author", "copyright", "version")
    )
    return (
        f'<header class="title-page"><h1>{title}</h1><p>{author}</p><p>Version {version}</p>'
        f"<p>© {since} {author}. Text and figures: CC BY 4.0. Code: MIT.</p></header>"
    )


def document(parts: list[Part], articles: Mapping[str, dict], told: Mapping[str, str]) -> str:
    """One HTML document, in the style of the pages."""
    sheets = dict.fromkeys(sheet for one in articles.values() for sheet in one["sheets"])
    rules = dict.fromkeys(rule for one in articles.values() for rule in one["rules"])
    body = [title_page(told), contents(entries(parts, articles))]
    for number, (caption, names) in enumerate(parts):
        if caption:
            body.append(f'<h1 class="part-page" id="part-{number}">{escape(caption)}</h1>')
        body += [
            f'<article class="bd-article" id="{escape(name)}">{articles[name]["html"]}</article>'
            for name in names
        ]
    links = (f'<link rel="stylesheet" href="{escape(sheet)}">' for sheet in sheets)
    glyphs = "".join(rules).replace("::before", " > mjx-g")  # see paper.js
    return "".join(
        [
            f'<!doctype html><html lang="{told["language"]}" data-theme="light"><head>',
            f'<meta charset="utf-8"><title>{escape(told["title"])}</title>',
            *links,
            f"<style>{glyphs}</style><style>{LOOK.read_text(encoding='utf-8')}</style></head>",
            '<body><main class="bd-main"><div class="bd-content">',
            *body,
            "</div></main></body></html>",
        ]
    )
