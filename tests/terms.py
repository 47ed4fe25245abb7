"""The words of the glossary, and where a chapter uses them in its prose."""

import re
from collections.abc import Iterator

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

CONFIG = MdParserConfig(enable_extensions={"colon_fence", "dollarmath", "attrs_inline"})
APART = re.compile(r"\{(?:exercise|solution)-(start|end)\}")
OPENED = re.compile(r"\{(?:prf:\w+|admonition)\}(?! Objectives)")  # directives that hold prose
OPTION = re.compile(r"(?::[\w-]+:.*\n)+")
ROLE = re.compile(r"(?:.*<)?([^<>]+)>?", re.S)
HEAD = ("**Prerequisites.**", "**Minutes.**")
# others' words: a quotation, and the titles of what the book speaks of
OTHERS = re.compile(r'"[^"]*"|Identifiable latent metric space|Latent Space Oddity')


def terms(glossary: str) -> list[list[str]]:
    """The words of each entry, its name first: the lines that are not indented."""
    body = re.search(r"^```\{glossary\}\n(.*?)^```", glossary, re.M | re.S)[1]
    return [words.splitlines() for words in re.findall(r"^((?:\S.*\n)+)(?=  )", body, re.M)]


def prose(page: str, line: int = 1) -> Iterator[tuple[int, Token]]:
    """Running text with its line: no heading, table, code, formula, objective or exercise."""
    apart = titled = False  # between the gates of an exercise; in a heading or a table
    for token in create_md_parser(CONFIG, RendererHTML).parse(page):
        if token.type in ("heading_open", "table_open", "heading_close", "table_close"):
            titled = token.type.endswith("open")
        elif gate := APART.match(token.info):
            apart = gate[1] == "start"
        elif OPENED.match(token.info) and not apart:
            options = OPTION.match(token.content)
            skip = options.end() if options else 0
            first = line + token.map[0] + 1 + token.content[:skip].count("\n")
            yield from prose(token.content[skip:], first)
        elif token.type == "inline" and not (apart or titled or token.content.startswith(HEAD)):
            yield line + token.map[0], token


def spoken(paragraph: Token) -> list[tuple[str, str]]:
    """A paragraph's words in order: ("text", words), or ("term", what a link leads to)."""
    pieces, bold, links, after = [], 0, 0, None
    for child in paragraph.children:
        links += (child.type == "link_open") - (child.type == "link_close")
        if child.type == "strong_open":
            bold = len(pieces)
        elif child.type == "strong_close" and pieces[bold:] and pieces[-1][1][-1] in '.?"':
            del pieces[bold:]  # a remark's title
        elif child.type == "myst_role" and child.meta["name"] == "term":
            pieces.append(("term", ROLE.fullmatch(child.content)[1]))
        elif child.type in ("text", "softbreak") and not links:
            joined = pieces.pop()[1] if after == "text" else ""  # a line ends inside a term
            pieces.append(("text", joined + (child.content or " ")))
        after = "text" if child.type in ("text", "softbreak") and not links else child.type
    return pieces


def pattern(entries: list[list[str]]) -> re.Pattern[str]:
    """Any word, in the singular or plural; the longest first: a pullback metric is no metric."""

    def form(word: str) -> str:
        stem = re.escape(word).replace(r"\ ", r"[\s-]")
        return rf"{stem[:-1]}(?:y|ies)" if word.endswith("y") else rf"{stem}(?:s|es)?"

    words = sorted((word for words in entries for word in words), key=len, reverse=True)
    return re.compile("|".join(rf"\b({form(word)})\b" for word in words), re.I)


def uses(page: str, entries: list[list[str]]) -> Iterator[tuple[str, int, bool]]:
    """Each use of an entry: its name, the first line of the paragraph, and whether it is linked."""
    names = {word.lower(): words[0] for words in entries for word in words}
    longest = sorted(names, key=len, reverse=True)
    anywhere = pattern(entries)
    for line, paragraph in prose(page):
        for kind, words in spoken(paragraph):
            if kind == "term":
                yield names.get(words.lower(), words), line, True
            else:
                for use in anywhere.finditer(OTHERS.sub(" ", words)):
                    yield names[longest[use.lastindex - 1]], line, False
