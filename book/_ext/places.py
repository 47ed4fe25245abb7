"""The pages of the book in order, and links to them, for what is made from all of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.parsing import parse_toc_yaml

Cell = str | list[nodes.Node]


def pages(env: BuildEnvironment) -> Iterator[str]:
    """The pages in the order of the table of contents."""
    listed = parse_toc_yaml(Path(env.srcdir, env.config.external_toc_path))
    yield from (name for name in listed if name in env.found_docs)


def chapter_number(page: str) -> int | None:
    """6 for book/06-isometry: what `geokit.check` calls the chapter. None for other pages."""
    found = re.match(r"(\d\d)-", page.rpartition("/")[2])
    return int(found[1]) if found else None


def link(
    env: BuildEnvironment, builder: Builder, page: str, text: str, anchor: str = ""
) -> nodes.reference:
    """To another page, or to a place on it."""
    target = builder.get_relative_uri(env.docname, page) + (f"#{anchor}" if anchor else "")
    return nodes.reference("", text, internal=True, refuri=target)


def chapter(env: BuildEnvironment, builder: Builder, page: str) -> list[nodes.Node]:
    number, title = chapter_number(page), env.titles[page].astext()
    return [link(env, builder, page, title if number is None else f"{number}. {title}")]
