"""Rows of two tables: all numbered statements and all exercises, in the order of the book."""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import exercise_subtitle, is_exercise_node

from .places import Cell, chapter, chapter_number, link, pages

# an exercise opens with what it asks for: "(By hand.)", "(0.1, by hand.)"
KIND = re.compile(r"\((?:[\d.]+, )?([^()]+?)\.?\)")


def statements(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    for page in pages(env):
        for node in env.get_doctree(page).findall(_is_statement):
            number = env.toc_fignumbers[page][node["countertype"]][node["label"]]
            text = f"{node['realtype'].title()}\N{NO-BREAK SPACE}{'.'.join(map(str, number))}"
            yield [
                [link(env, builder, page, text, node["label"])],
                _without_brackets(node.children[0]),
                chapter(env, builder, page),
            ]


def _is_statement(node: nodes.Node) -> bool:
    """sphinx-proof has a class of nodes for each kind of statement; what they share is this."""
    return isinstance(node, nodes.Element) and "countertype" in node and "label" in node


def _without_brackets(title: nodes.Element) -> list[nodes.Node]:
    """The title of a statement, which sphinx-proof has put in brackets: " (A title)"."""
    parts = [part.deepcopy() for part in title.children]
    if parts and isinstance(parts[0], nodes.Text):
        parts[0] = nodes.Text(parts[0].removeprefix(" ("))
    if parts and isinstance(parts[-1], nodes.Text):
        parts[-1] = nodes.Text(parts[-1].removesuffix(")"))
    return parts


def exercises(env: BuildEnvironment, builder: Builder) -> Iterator[list[Cell]]:
    for page in pages(env):
        number = chapter_number(page)
        found = [] if number is None else env.get_doctree(page).findall(is_exercise_node)
        for n, node in enumerate(found, 1):
            subtitle = next(iter(node.children[0].findall(exercise_subtitle)), None)
            first = next(iter(node.findall(nodes.paragraph)), None)
            kind = KIND.match(first.astext()) if first else None
            yield [
                [link(env, builder, page, f"{number}.{n}", node["label"])],
                [part.deepcopy() for part in subtitle.children] if subtitle else "",
                kind[1].capitalize() if kind else "",
                chapter(env, builder, page),
            ]


LISTS = {
    "statements": (statements, ("Statement", "What it says", "Chapter")),
    "exercises": (exercises, ("Exercise", "Title", "Kind", "Chapter")),
}
