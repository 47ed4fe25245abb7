"""Sphinx: what the pages for teachers say about the chapters, read from the chapters themselves.

{chapter-table}        minutes, exercises and prerequisites of all chapters
{chapter-graph}        the prerequisites as a drawing
{aims} 06-isometry     objectives, minutes and exercises of one chapter
{plan} One week        chapters and exercises of a plan, with its minutes added up
"""

from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .chapter_graph import graph_svg
from .chapters import Chapter, Exercise, Fault, read_chapters


@dataclass(frozen=True)
class Step:
    """A line of a plan: `When | chapters | exercises | what to do together`."""

    when: str
    chapters: list[Chapter]
    exercises: list[Exercise]
    together: str
    read: int
    do: int


def read_plan(lines: list[str], chapters: dict[str, Chapter], without: set[int]) -> list[Step]:
    """The steps of a plan; a prerequisite must come before, or be named in `without`."""
    by_number = {chapter.number: chapter for chapter in chapters.values()}
    exercises = {e.number: e for c in chapters.values() for e in c.exercises}
    steps, seen, missing = [], set(), set()
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 4:
            raise Fault(f'"{line}" has {len(cells)} cells; write: when | 1, 2 | 1.1, 2.3 | what.')
        when, numbers, wanted, together = cells
        asked = [part.strip() for part in numbers.split(",") if part.strip()]
        unknown = [n for n in asked if not n.isdigit() or int(n) not in by_number]
        chosen = [part.strip() for part in wanted.split(",") if part.strip()]
        unknown += [n for n in chosen if n not in exercises]
        if unknown:
            raise Fault(f'"{when}": there is no {", ".join(unknown)} in the book; see its numbers.')
        here = [by_number[int(n)] for n in asked]
        for chapter in here:
            seen.add(chapter.number)
            needed = {int(n[:2]) for n, strictly in chapter.prerequisites.items() if strictly}
            missing |= needed - seen
        tasks = [exercises[n] for n in chosen]
        read = sum(chapter.minutes[0] for chapter in here)
        steps.append(Step(when, here, tasks, together, read, sum(task.minutes for task in tasks)))
    if missing != without:
        raise Fault(
            f"the plan lacks, or has too late, the prerequisites {sorted(missing)}, and names"
            f" {sorted(without)} as left out; add them, or say so in :without: and in the text."
        )
    return steps


def total(steps: list[Step]) -> tuple[int, int]:
    return sum(step.read for step in steps), sum(step.do for step in steps)


def joined(parts: list[str], nothing: str = "none") -> str:
    return ", ".join(parts) or nothing


def table_lines(chapters: dict[str, Chapter]) -> list[str]:
    lines = ["| chapter | read | do | tasks | after |", "|:--|--:|--:|--:|:--|"]
    for chapter in chapters.values():
        needs = [
            str(int(n[:2])) if needed else f"({int(n[:2])})"
            for n, needed in chapter.prerequisites.items()
        ]
        read, do = chapter.minutes
        cells = [
            f"{chapter.number} {{doc}}`/book/{chapter.name}`",
            f"{read} | {do} | {len(chapter.exercises)}",
            joined(needs, "–"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    read, do = (sum(c.minutes[k] for c in chapters.values()) for k in (0, 1))
    count = sum(len(c.exercises) for c in chapters.values())
    lines.append(f"| all | {read} | {do} | {count} | |")
    return lines


def aims_lines(chapter: Chapter, chapters: dict[str, Chapter]) -> list[str]:
    read, do = chapter.minutes
    needs = [
        f"{{doc}}`/book/{n}`" if n in chapters else f"chapter {int(n[:2])}"
        for n, needed in chapter.prerequisites.items()
        if needed
    ]
    exercises = [f"{{ref}}`{e.label}` ({e.kind})" for e in chapter.exercises]
    return [
        f"{{doc}}`/book/{chapter.name}` · {read} minutes to read, {do} to do · builds on"
        f" {joined(needs, 'nothing before it')}",
        "",
        "After it your students can",
        "",
        *(f"* {aim}" for aim in chapter.objectives),
        "",
        f"Exercises: {joined(exercises)}.",
    ]


def plan_lines(steps: list[Step]) -> list[str]:
    lines = []
    for step in steps:
        chapters = [f"{c.number} {{doc}}`/book/{c.name}`" for c in step.chapters]
        exercises = [f"{{ref}}`{e.label}`" for e in step.exercises]
        times = [f"{step.read} to read"] if step.chapters else []
        times += [f"{step.do} to do"] if step.exercises else []
        lines.append(f"* **{step.when}.** {step.together}")
        for word, found in (("Read", chapters), ("Do", exercises), ("Minutes", times)):
            if found:
                lines += ["", f"  {word}: {joined(found)}."]
        lines.append("")
    read, do = total(steps)
    return [*lines, f"In all {read} minutes to read and {do} to do, {(read + do) / 60:.1f} hours."]


class FromChapters(SphinxDirective):
    """Reads the chapters; the page is written anew when one of them changes."""

    def chapters(self) -> dict[str, Chapter]:
        found = read_chapters(Path(self.env.srcdir, "book"), self.numbers)
        for chapter in found.values():
            self.env.note_dependency(str(chapter.path))
            self.env.note_dependency(str(chapter.notes))
        return found

    @property
    def numbers(self) -> dict | None:
        """In an edition, which may have left chapters out: the exercises' numbers in the book."""
        return self.config.book_numbers

    def written(self, lines: list[str]) -> list[nodes.Node]:
        box = nodes.container()
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), 0, box)
        return box.children

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # it says what the chapters say
        try:
            return self.made(self.chapters())
        except Fault as fault:
            raise self.error(str(fault)) from None


class ChapterTable(FromChapters):
    def made(self, chapters: dict[str, Chapter]) -> list[nodes.Node]:
        return self.written(table_lines(chapters))


class ChapterGraph(FromChapters):
    def made(self, chapters: dict[str, Chapter]) -> list[nodes.Node]:
        def address(name: str) -> str:
            builder = self.env.app.builder
            return builder.get_relative_uri(self.env.docname, f"book/{name}")

        return [nodes.raw("", graph_svg(chapters, address), format="html")]


class Aims(FromChapters):
    required_arguments = 1

    def made(self, chapters: dict[str, Chapter]) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in chapters and self.numbers is not None:
            return self.written(["*This chapter is not a part of the course.*"])
        if name not in chapters:
            raise Fault(f"there is no chapter {name}; there are {', '.join(chapters)}.")
        return self.written(aims_lines(chapters[name], chapters))


class Plan(FromChapters):
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"without": directives.positive_int_list}  # noqa: RUF012 (docutils' own form)

    def made(self, chapters: dict[str, Chapter]) -> list[nodes.Node]:
        lines = [line for line in self.content if line.strip()]
        try:
            steps = read_plan(lines, chapters, set(self.options.get("without", [])))
        except Fault:
            if self.numbers is None:
                raise
            return self.written(["*This plan is for the whole book; the course has a part of it.*"])
        return self.written(plan_lines(steps))


def join(app: Sphinx) -> None:
    app.add_directive("chapter-table", ChapterTable)
    app.add_directive("chapter-graph", ChapterGraph)
    app.add_directive("aims", Aims)
    app.add_directive("plan", Plan)
