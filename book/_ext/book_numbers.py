"""Sphinx: chapters and exercises keep the numbers of the book where a course has only some of them.

A chapter's number is in its file's name, those of its exercises come from the configuration:
`book_numbers = {page: {label: number}}`. Sphinx's own numbers begin at one, whatever is left out.
"""

import re
from collections.abc import Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

NUMBERED = re.compile(r"(?:^|/)(\d\d)-[^/]*$")


def in_the_book(page: str, numbers: Sequence[int] | None) -> Sequence[int] | None:
    found = NUMBERED.search(page)
    return (int(found[1]), *numbers[1:]) if found and numbers else numbers


def renumber(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Once Sphinx has given its numbers: in headings, in tables of contents, of what is counted."""
    if app.config.book_numbers is None:
        return []
    for page, sections in env.toc_secnumbers.items():
        sections |= {anchor: in_the_book(page, numbers) for anchor, numbers in sections.items()}
    entries = [e for toc in env.tocs.values() for e in toc.findall(nodes.reference)]
    for page, node in [*env.titles.items(), *((e["refuri"], e) for e in entries)]:
        if "secnumber" in node:
            node["secnumber"] = in_the_book(page, node["secnumber"])
    for page, kinds in env.toc_fignumbers.items():
        own = app.config.book_numbers.get(page, {})
        for kind in kinds.values():
            for label, number in kind.items():
                number = in_the_book(page, number)
                kind[label] = (*number[:-1], own.get(label, number[-1]))
    return []  # no other page is to be written for it


def join(app: Sphinx) -> None:
    app.add_config_value("book_numbers", None, "env", types=[dict])  # None: the whole book
    app.connect("env-get-updated", renumber, priority=900)  # Sphinx numbers at 500
