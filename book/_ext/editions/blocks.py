"""The block half of MyST as plain Markdown: directives become quotes, headings and math."""

import itertools
import re
import textwrap
from pathlib import Path

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from .. import provenance
from .inline import Page, PlainError, inline

EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath"}
PARSER = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)
GONE = {"myst_target", "myst_line_comment", "myst_block_break"}
BOXES = {
    *("algorithm", "assumption", "axiom", "conjecture", "corollary", "criterion", "definition"),
    *("example", "lemma", "notation", "observation", "property", "proposition", "remark"),
    "theorem",
}
ADMONITIONS = {
    *("attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip"),
    "warning",
}
PAGES_ONLY = {
    *("api", "bibliography", "contents", "eval-rst", "listing", "tableofcontents", "toctree"),
}
BREAK, SOLVED = "\f", "\v"  # where one cell ends and the next begins; the latter ends a solution
SOLUTION = "#### Solution of "
MEANING = re.compile(r"^\s*[:~]\s+")
OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")
CONTAINER = re.compile(r"(?:\s*(?:>|[-*+]\s|\d+[.)]\s))*\s*")


def blocks(text: str, page: Page, flat: bool = False) -> str:
    """The text as plain Markdown; `flat` puts each formula on one line, for use in a quote."""
    lines, done, out = text.split("\n"), 0, []
    tokens = PARSER.parse(text)
    for k, token in enumerate(tokens):
        if token.map is None or token.map[0] < done:
            continue
        new = replacement(tokens, k, page, flat, lines)
        if new is None:
            continue
        start, stop = token.map
        while token.type != "inline" and stop > start + 1 and not lines[stop - 1].strip():
            stop -= 1
        out += lines[done:start]
        if token.type != "inline":
            if token.level:
                new = indented(new, lines[start])
            if not new and lines[stop : stop + 1] == [""]:
                stop += 1
            new = apart(new, out, lines[stop : stop + 1])
        out += new.split("\n") if new else []
        done = stop
    return "\n".join(out + lines[done:]).strip("\n")


def replacement(
    tokens: list[Token], k: int, page: Page, flat: bool, lines: list[str]
) -> str | None:
    """What stands in the place of a block, or None for one that stays or holds others."""
    token = tokens[k]
    match token.type:
        case "inline":
            return inline("\n".join(lines[slice(*token.map)]), page)
        case "fence" | "colon_fence":
            if token.info.strip().startswith("{"):
                return directive(token, page, flat)
            if token.type == "colon_fence":
                raise PlainError(f"{page.name}: {token.markup}{token.info} names no directive.")
        case "math_block":
            return math(token.content, flat)
        case "math_block_label":
            return math(token.content, flat, page, token.info)
        case "amsmath":
            return one_line(token.content) if flat else None
        case "dl_open":
            return definitions(tokens, k, page, flat, lines)
        case "footnote_reference_open":
            raise PlainError(
                f"{page.name}: the footnote {lines[token.map[0]]!r} has no plain form; write it "
                "into the text instead."
            )
        case kind if kind in GONE:
            return ""
    return None


def directive(token: Token, page: Page, flat: bool) -> str:
    """A directive as plain Markdown.

    Raises:
        PlainError: it has no plain form.
    """
    found = re.match(r"\s*\{([^}]+)\}[ \t]*(.*)", token.info)
    name, argument = found[1], found[2].strip()
    options, body = split_options(token.content)
    gate = re.fullmatch(r"(exercise|solution)(?:-(start|end))?", name)
    if gate:
        return gated(*gate.groups(), argument, options, body, page)
    kind = name.removeprefix("prf:")
    if name == "prf:proof":
        return quote(proof(inline(argument, page), blocks(body, page, flat=True)))
    if name.startswith("prf:") and kind in BOXES:
        heading = box_heading(kind, argument, options, page)
        return quote(f"{heading}\n\n{blocks(body, page, flat=True)}")
    if name in ("admonition", "dropdown"):
        return quote(f"**{inline(argument, page)}**\n\n{blocks(body, page, flat=True)}")
    if name in ADMONITIONS:
        title = {"seealso": "See also"}.get(name, name.capitalize())
        inside = f"{argument}\n{body}".strip("\n")
        return quote(f"**{title}**\n\n{blocks(inside, page, flat=True)}")
    if name == "math":
        return math(f"{argument}\n{body}".strip(), flat, page, options.get("label"))
    if name in ("figure", "image"):
        return picture(argument, options, body, page)
    if name == "glossary":
        return glossary(body, page)
    if name in ("code", "code-block", "sourcecode"):
        return f"{token.markup}{argument}\n{body}\n{token.markup}"
    if name == "provenance":
        return provenance.markdown(Path(__file__).parents[3], argument.split())
    if name in PAGES_ONLY:
        raise PlainError(f"{page.name}: a page with {{{name}}} belongs to the site; leave it out.")
    raise PlainError(
        f"{page.name}: the directive {{{name}}} {argument} has no plain form; write it otherwise, "
        "or add it to book/_ext/editions/blocks.py."
    )


def split_options(content: str) -> tuple[dict[str, str], str]:
    """The `:key: value` lines at the top of a directive, and the rest."""
    lines, options = content.split("\n"), {}
    while lines and (found := OPTION.fullmatch(lines[0])):
        options[found[1]] = found[2].strip()
        lines.pop(0)
    return options, "\n".join(lines).strip("\n")


def gated(kind: str, gate: str | None, argument: str, options: dict, body: str, page: Page) -> str:
    """Exercise or solution: a heading begins a cell, and the closing gate ends one."""
    after = SOLVED if kind == "solution" else BREAK
    if gate == "end":
        return after
    if kind == "exercise":
        heading = f"### {numbered(options, argument, 'exercise', page)}"
        return "\n\n".join(filter(None, (BREAK, heading, blocks(body, page), not gate and after)))
    number = page.atlas.reference("ref", argument, page.name).text
    heading = f"{SOLUTION}{number[0].lower()}{number[1:]}"
    text = blocks(body, page)
    return "\n\n".join(filter(None, (BREAK, heading, BREAK, text, not gate and after)))


def numbered(options: dict, title: str, kind: str, page: Page, mark: str = "") -> str:
    """ "Exercise 6.1 (Title)", with the number of the page."""
    name = kind.capitalize()
    if "nonumber" not in options:
        if not options.get("label"):
            raise PlainError(
                f"{page.name}: the {kind} {title!r} has no label, so its number cannot be found; "
                "give it a `:label:`."
            )
        name = page.atlas.reference("ref", options["label"], page.name).text
    return f"{mark}{name}{mark}" + (f" ({inline(title, page)})" if title else "")


def box_heading(kind: str, title: str, options: dict, page: Page) -> str:
    return numbered(options, title, kind, page, mark="**")


def math(content: str, flat: bool, page: Page | None = None, label: str | None = None) -> str:
    # to Jupyter an empty line ends the formula
    content = re.sub(r"\n\s*\n", "\n", content.strip())
    if label:
        number = page.atlas.reference("eq", label, page.name).text
        content += rf" \tag{{{number.strip('()')}}}"
    return f"$${one_line(content)}$$" if flat else f"$$\n{content}\n$$"


def picture(path: str, options: dict, body: str, page: Page) -> str:
    image = f"![{options.get('alt', '')}]({path})"
    if not body:
        return image
    return f"{image}\n\n{caption(body, options.get('name'), page)}"


def caption(text: str, name: str | None, page: Page) -> str:
    """A caption with the number that the page gives it."""
    number = page.atlas.reference("numref", name, page.name).text if name else ""
    return " ".join(filter(None, (number and f"**{number}**", inline(text.strip(), page))))


def glossary(body: str, page: Page) -> str:
    """A list of terms, each with its explanation; several terms may share one."""
    found, terms = [], []
    for entry in re.split(r"\n(?=\S)", body):
        term, _, text = entry.partition("\n")
        terms.append(inline(term.strip(), page))
        if text.strip():
            found.append(item(", ".join(terms), blocks(textwrap.dedent(text), page)))
            terms = []
    return "\n".join(found)


def definitions(tokens: list[Token], k: int, page: Page, flat: bool, lines: list[str]) -> str:
    """A definition list as a list of terms."""
    level, terms, found = tokens[k].level + 1, [], []
    for token in itertools.takewhile(lambda t: t.level >= level, tokens[k + 1 :]):
        if token.type == "dt_open" and token.level == level:
            terms.append(inline(lines[token.map[0]].strip(), page))
        if token.type == "dd_open" and token.level == level:
            # the parser may count the term in
            rows = itertools.dropwhile(
                lambda line: not MEANING.match(line), lines[slice(*token.map)]
            )
            first, *rest = rows
            text = [MEANING.sub("", first), textwrap.dedent("\n".join(rest))]
            found.append(item(", ".join(terms), blocks("\n".join(text), page, flat)))
            terms = []
    return "\n".join(found)


def quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n"))


def proof(title: str, body: str) -> str:
    heading = f"**Proof** ({title})." if title else "**Proof.**"
    # as on the page, the first sentence follows on the same line, unless it is no sentence
    apart = re.match(r"\$\$|[*+>#|`-]|\d+[.)]", body)
    return f"{heading}\n\n{body}" if apart else f"{heading} {body}"


def item(term: str, text: str) -> str:
    return f"* **{term}**: " + textwrap.indent(text.strip(), "  ").lstrip()


def indented(new: str, first: str) -> str:
    """Inside a list or a quote every further line begins as the first one is set in."""
    lead = CONTAINER.match(first)[0]
    rest = re.sub(r"[^>\s]", " ", lead)
    return "\n".join((rest if k else lead) + line for k, line in enumerate(new.split("\n")))


def apart(new: str, before: list[str], after: list[str]) -> str:
    """A block with an empty line on both sides, or else the next line would join it."""
    if not new.strip(" >"):
        return ""
    top = "\n" if before and before[-1].strip(" >") else ""
    return top + new + ("\n" if after and after[0].strip(" >") else "")


def one_line(content: str) -> str:
    """Jupyter takes formulas out before it sees quotes: a second line would begin with `>`."""
    lines = (re.sub(r"(?<!\\)%.*", "", line).strip() for line in content.split("\n"))
    return " ".join(filter(None, lines))
