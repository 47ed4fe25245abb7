"""Sphinx: chapters and exercises keep the numbers of the book where a course has only some of them.

A chapter's number is in its file's name, those of its exercises come from the configuration:
`book_numbers = {page: {label: number}}`.
"""

import re
from collections.abc import Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

NUMBERED = re.compile(r"(?:^|/)(\d\d)-[^/]*$")


def in_the_book(page: str, numbers: Sequence[int] | None) -> Sequence[int] | None:
    found = NUMBERED.search(page)
    return type(numbers)((int(found[1]), *numbers[1:])) if found and numbers else numbers


def renumber_sections(env: BuildEnvironment) -> None:
    for page, sections in env.toc_secnumbers.items():
        for anchor, numbers in sections.items():
            sections[anchor] = in_the_book(page, numbers)
    for page, title in env.titles.items():
        if "secnumber" in title:
            title["secnumber"] = in_the_book(page, title["secnumber"])
    for entry in (e for toc in env.tocs.values() for e in toc.findall(nodes.reference)):
        if "secnumber" in entry:
            entry["secnumber"] = in_the_book(entry["refuri"], entry["secnumber"])


class InTheBook:
    """What a collector of tables of contents does besides: sections first, figures by them."""

    def assign_section_numbers(self, env: BuildEnvironment) -> list[str]:
        changed = super().assign_section_numbers(env)
        if env.config.book_numbers is not None:
            renumber_sections(env)
        return changed

    def assign_figure_numbers(self, env: BuildEnvironment) -> list[str]:
        changed = super().assign_figure_numbers(env)
        for page, labels in (env.config.book_numbers or {}).items():
            for kind in env.toc_fignumbers.get(page, {}).values():
                for label in labels.keys() & kind.keys():
                    kind[label] = (*kind[label][:-1], labels[label])
        return changed


def join(app: Sphinx) -> None:
    app.add_config_value("book_numbers", None, "env", types=[dict])  # None: the whole book
    for listener in app.events.listeners["env-get-updated"]:
        collector = getattr(listener.handler, "__self__", None)
        if isinstance(collector, TocTreeCollector):
            kind = type(collector)
            collector.__class__ = type(kind.__name__, (InTheBook, kind), {})
