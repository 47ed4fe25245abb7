"""Cut the built page of a chapter into slides.

What stands on a slide is what stands out on the page: boxes, lists, formulas, figures, tables,
short cells and what they print. The prose between becomes the speaker's notes of the slide before.
A solution is never looked at, nor is a cell that the page hides.
"""

import re
from collections.abc import Iterator

from bs4 import NavigableString, Tag

from .blocks import LEFT_OUT, slides_for
from .fill import Slide, fragment, inner, named, paragraph, spread, title_of
from .sentences import predicted, sentences, without_tags

ASKING = re.compile(r"^(Predict(,? before [^:]*)?|Before [^:]*, predict):\s*")
BRIEF = 40  # letters of a question that needs the sentence before it


def slides_of(article: Tag) -> list[Slide]:
    """The slides of a chapter, from its article element."""
    chapter = article.find("section", recursive=False) or article.find("section")
    for link in chapter.find_all(class_="headerlink"):
        link.decompose()
    slides = [title_slide(chapter)]
    scope, lead = "", ""  # the section's title; the sentence that leads to the next formula or list
    begun = False  # the section has a slide
    for node in flow(chapter):
        if node.name in ("h2", "h3"):
            scope, begun, lead = title_of(node), False, ""
            anchor = node.parent.get("id", "")
        elif node.name == "p":
            said, is_going = sentences(node), bool(scope) and begun
            if scope and not begun:
                slides += section_slide(scope, anchor, said)
                begun = True
            elif len(slides) == 1 and not slides[0].blocks:
                slides[0].blocks = opening(said, questions_only=True)
            lead = said[-1] if said else ""
            if span := predicted(said):
                slides += prediction(scope, slides[-1], said, span)
                lead = ""
            else:
                slides[-1].notes.append(inner(node))
                for item in point(node, said) if is_going else []:
                    slides += slides_for(item, scope, "", slides[-1])
        else:
            is_said = any(lead in block.decode() for block in slides[-1].blocks)
            new = list(slides_for(node, scope, "" if is_said else lead, slides[-1]))
            begun, lead = begun or bool(new), "" if new else lead
            slides += new
    slides += sources(article)
    return named(slides)


def flow(section: Tag) -> Iterator[Tag]:
    """The blocks of a chapter in order, sections opened, what students may not see left out."""
    for node in section.find_all(True, recursive=False):
        if node.name == "section":
            yield from flow(node)
        elif node.name != "h1" and not LEFT_OUT & set(node.get("class", [])):
            yield node


def point(paragraph: Tag, said: list[str]) -> list[Tag]:
    """A paragraph with a catchword, bold or a question, is an item of a list in all but name."""
    first = next(paragraph.children, None)
    is_catchword = getattr(first, "name", "") == "strong" or (said and said[0].endswith("?</em>"))
    if not is_catchword:
        return []
    shown = said[:2] if said[0].endswith("?</em>") else said[:1]
    return [fragment(f"<ul><li>{' '.join(shown)}</li></ul>")]


def title_slide(chapter: Tag) -> Slide:
    head = chapter.find("h1")
    number = head.find(class_="section-number")
    kicker = f"Chapter {number.get_text().strip(' .')}" if number else ""
    return Slide("title", title_of(head, without=number), kicker, chapter.get("id", ""))


def section_slide(scope: str, anchor: str, said: list[str]) -> list[Slide]:
    """A section that begins with a prediction needs no slide before it."""
    lead = opening(said)
    return [Slide("section", scope, "", anchor, blocks=lead)] if lead else []


def opening(said: list[str], questions_only: bool = False) -> list[Tag]:
    """The question of a paragraph if it asks one, its first sentence if not."""
    first, _ = predicted(said) or (len(said), 0)
    own = said[:first]
    asked = [s for s in own if without_tags(s).endswith("?") and len(without_tags(s)) > BRIEF / 2]
    return [paragraph(s, "lead") for s in (asked or ([] if questions_only else own))[:1]]


def prediction(scope: str, last: Slide, said: list[str], span: tuple[int, int]) -> list[Slide]:
    """The question alone, with nothing below it to read; what follows it is in its notes."""
    first, end = span
    if before := " ".join(said[:first]):
        last.notes.append(before)
    question = ASKING.sub("", " ".join(said[first:end])).strip()
    question = re.sub(r"^(<em>)?(\w)", lambda m: (m[1] or "") + m[2].upper(), question)
    context = said[first - 1] if first else ""
    if len(without_tags(question)) < BRIEF and without_tags(context)[:1].isupper():
        question = context + " " + re.sub(r"^<em>(.*)</em>$", r"\1", question)
    after = " ".join(said[end:])
    return [Slide("predict", question, f"{scope} · predict", notes=[after] if after else [])]


def sources(article: Tag) -> list[Slide]:
    """What the chapter cites, as the page gives it when one points at a citation."""
    cited = article.select(".bibtex-citation a[title]") or article.select("a[href^='references']")
    titles = {a["title"]: a.get_text() for a in cited if a.get("title")}
    if not titles:
        return []
    items = "".join(f"<li>{NavigableString(t).output_ready()}</li>" for t in titles)
    return list(spread(Slide("sources", "Sources"), [fragment(f"<ul>{items}</ul>")], size=0.6))
