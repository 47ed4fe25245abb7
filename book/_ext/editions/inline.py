"""The inline half of MyST as plain Markdown: roles become text and links, code and math stay."""

import posixpath
import re
from dataclasses import dataclass, field

from .atlas import KINDS, Atlas, Reference

# Leftmost first, so that nothing inside code or math is read as anything else. Our own, as a
# renderer of parsed Markdown would write the rest of a text anew.
TOKEN = re.compile(
    r"""
    (?P<escape>\\.)
  | (?P<role>\{(?P<name>[a-zA-Z][\w:+.-]*)\}(?P<ticks>`+)(?!`)(?P<body>.+?)(?<!`)(?P=ticks)(?!`))
  | (?P<foreign>^[ >*+\d.)-]*[`:]{3,}\{[^}\n]*\} | ^(?::{3,}|[:~][ ])[^\n]*    # out of place
    | \[\^[^\]]+\] | \{\{.*?\}\} | \{[\#.][^{}]*\}            # footnotes and the like
    | \]\((?:\#|(?:project|path|inv):|[^():]+\.md\b)[^()]*\))  # links, where roles belong
  | (?P<code>(?P<quote>`+)(?!`).+?(?<!`)(?P=quote)(?!`))
  | (?P<display>\$\$(?P<formula>.+?)\$\$(?:[ ]\((?P<label>[\w:-]+)\))?)
  | (?P<math>\$(?:\\.|[^\\$])+?\$)
  | (?P<unseen>^(?:\([\w:.-]+\)=|%[^\n]*|\+\+\+[^\n]*)(?:\n+|\Z))    # targets, comments
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
# how one source is named, and what stands between and around several
CITING = {
    "cite:p": ("{0.authors}, {0.year}", "; ", "({})"),
    "cite:t": ("{0.authors} ({0.year})", ", ", "{}"),
}


class PlainError(ValueError):
    """A page holds what has no plain form."""


@dataclass
class Page:
    """The page that is being rewritten, and what was met on it."""

    name: str  # "book/06-isometry"
    atlas: Atlas
    cited: set[str] = field(default_factory=set)  # keys that were met
    solving: bool = False  # between the gates of a solution

    def link(self, text: str, to: Reference) -> str:
        """The text, as a link where it leads to another notebook."""
        if to.page == self.name or to.page not in self.atlas.notebooks:
            return text
        path = posixpath.relpath(f"{to.page}.ipynb", posixpath.dirname(self.name))
        return f"[{text}]({path})"

    def error(self, what: str) -> PlainError:
        return PlainError(f"{self.name}: {what} has no plain form; write it in another way.")


def inline(text: str, page: Page) -> str:
    """Text outside of directives, with every role made plain."""
    return TOKEN.sub(lambda found: plain_token(found, page), text)


def plain_token(found: re.Match, page: Page) -> str:
    match found.lastgroup:  # the outermost one
        case "role":
            return role(found["name"], found["body"], page)
        case "math":
            # a line break inside would carry the mark of a quote or a list into the formula
            return re.sub(r"\s*\n[ >]*", " ", found["math"])
        case "display":
            # to Jupyter an empty line ends the formula
            formula = re.sub(r"\n\s*\n", "\n", found["formula"])
            if found["label"]:
                number = page.atlas.reference("eq", found["label"], page.name).text.strip("()")
                formula = rf"{formula.rstrip()} \tag{{{number}}}" + "\n"
            return f"$${formula}$$"
        case "unseen":
            return ""
        case "foreign":
            raise page.error(found[0].removeprefix("]").strip())
    return found[0]


def role(name: str, body: str, page: Page) -> str:
    """What the reader of the page sees in place of {name}`body`."""
    if name in CITING:
        one, between, around = CITING[name]
        keys = {key.strip() for key in body.split(",")}
        page.cited |= keys
        return around.format(between.join(map(one.format, page.atlas.cited(keys, page.name))))
    if name != "doc" and name not in KINDS:
        raise page.error(f"the role {{{name}}}`{body}`")
    titled = TITLED.match(body)
    title, target = (titled["title"], titled["target"]) if titled else ("", body)
    target = " ".join(target.split())
    to = page.atlas.reference(name, target, page.name)
    # a term reads as it was written, whatever the glossary's capitals
    return page.link(title or (target if name == "term" else to.text), to)
