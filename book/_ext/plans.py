"""Sphinx: what the pages for teachers say about the chapters, read from the chapters themselves.

{chapter-table}        minutes, exercises and prerequisites of all chapters
{chapter-graph}        the prerequisites as a drawing
{aims} 06-isometry     objectives, minutes and exercises of one chapter
{plan} One week        chapters and exercises of a plan, with its minutes added up

Each is the template of its name in `templates/teaching`, filled and read as Markdown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .chapters import Chapter, Exercise, Fault, read_chapters

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates/teaching"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def arrows(chapters: dict[str, Chapter]) -> Iterator[tuple[str, str, bool]]:
    """(prerequisite, chapter, needed) for each link of a prerequisites line."""
    for name, chapter in chapters.items():
        for before, needed in chapter.prerequisites.items():
            if before >= name:
                raise Fault(f"{chapter.path}: the prerequisite {before} comes later in the book.")
            if before in chapters:  # a course may have left it out
                yield before, name, needed


@dataclass(frozen=True)
class Step:
    """A line of a plan: `When | chapters | exercises | what to do together`."""

    when: str
    chapters: list[Chapter]
    exercises: list[Exercise]
    together: str

    @property
    def read(self) -> int:
        return sum(chapter.minutes[0] for chapter in self.chapters)

    @property
    def do(self) -> int:
        return sum(exercise.minutes for exercise in self.exercises)


def read_plan(lines: list[str], chapters: dict[str, Chapter], without: set[int]) -> list[Step]:
    """The steps of a plan; a prerequisite must come before, or be named in `without`."""
    by_number = {str(chapter.number): chapter for chapter in chapters.values()}
    exercises = {e.number: e for c in chapters.values() for e in c.exercises}
    steps, seen, missing = [], set(), set()
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 4:
            raise Fault(f'"{line}" has {len(cells)} cells; write: when | 1, 2 | 1.1, 2.3 | what.')
        read, do = ([n.strip() for n in cell.split(",") if n.strip()] for cell in cells[1:3])
        unknown = [n for n in read if n not in by_number] + [n for n in do if n not in exercises]
        if unknown:
            raise Fault(
                f'"{cells[0]}": there is no {", ".join(unknown)} in the book; see its numbers.'
            )
        here = [by_number[n] for n in read]
        for chapter in here:
            seen.add(chapter.number)
            needed = {int(n[:2]) for n, strictly in chapter.prerequisites.items() if strictly}
            missing |= needed - seen
        steps.append(Step(cells[0], here, [exercises[n] for n in do], cells[3]))
    if missing != without:
        raise Fault(
            f"the plan lacks, or has too late, the prerequisites {sorted(missing)}, and names"
            f" {sorted(without)} as left out; add them, or say so in :without: and in the text."
        )
    return steps


def total(steps: list[Step]) -> tuple[int, int]:
    return sum(step.read for step in steps), sum(step.do for step in steps)


def graph(chapters: dict[str, Chapter], address: Callable[[str], str]) -> str:
    """The chapters below each other, their prerequisites as arrows that bow to the left."""
    return filled("chapter-graph", chapters, arrows=list(arrows(chapters)), address=address)


def filled(template: str, chapters: dict[str, Chapter], **about) -> str:
    return TEMPLATES.get_template(f"{template}.md.j2").render(chapters=chapters, **about)


class FromChapters(SphinxDirective):
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"without": directives.positive_int_list}  # noqa: RUF012 (docutils' own form)

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # it says what the chapters say
        chapters = read_chapters(Path(self.env.srcdir, "book"), self.config.book_numbers)
        try:
            text = self.text(chapters)
        except Fault as fault:
            raise self.error(str(fault)) from None
        box = nodes.container()
        lines = StringList(text.splitlines(), self.get_source_info()[0])
        self.state.nested_parse(lines, 0, box)
        return box.children

    def text(self, chapters: dict[str, Chapter]) -> str:
        is_part = self.config.book_numbers is not None  # a course may have left chapters out
        if self.name == "chapter-graph":
            uri, here = self.env.app.builder.get_relative_uri, self.env.docname
            return graph(chapters, lambda name: uri(here, f"book/{name}"))
        if self.name == "aims":
            name = " ".join(self.arguments)
            if name in chapters:
                return filled("aims", chapters, name=name)
            if is_part:
                return "*This chapter is not a part of the course.*"
            raise Fault(f"there is no chapter {name}; there are {', '.join(chapters)}.")
        if self.name == "plan":
            lines = [line for line in self.content if line.strip()]
            try:
                steps = read_plan(lines, chapters, set(self.options.get("without", [])))
            except Fault:
                if is_part:
                    return "*This plan is for the whole book; the course has a part of it.*"
                raise
            read, do = total(steps)
            return filled("plan", chapters, steps=steps, read=read, do=do)
        return filled(self.name, chapters)


def join(app: Sphinx) -> None:
    for name in ("chapter-table", "chapter-graph", "aims", "plan"):
        app.add_directive(name, FromChapters)
