"""The inline half of MyST as plain Markdown: roles become text and links, code and math stay."""

import posixpath
import re
from dataclasses import dataclass, field

from .atlas import Atlas, Reference

# leftmost first, so that nothing inside code or math is read as anything else
TOKEN = re.compile(
    r"""
    (?P<escape>\\.)
  | (?P<role>\{(?P<name>[a-zA-Z][\w:+.-]*)\}(?P<ticks>`+)(?!`)(?P<body>.+?)(?<!`)(?P=ticks)(?!`))
  | (?P<code>(?P<quote>`+)(?!`).+?(?<!`)(?P=quote)(?!`))
  | (?P<display>\$\$.+?\$\$)
  | (?P<math>\$(?:\\.|[^\\$])+?\$)
  | (?P<span>\[(?P<inside>[^\[\]]+)\]\{[\#.][^{}]*\})
  | (?P<attributes>(?<=[\])`])\{(?:[\#.]|\w+=)[^{}]*\} | ^\{[\#.][^{}]*\}\n? | [ ]\{\#[^{}]*\}$)
  | (?P<footnote>\[\^[^\]]+\])
  | (?P<substitution>\{\{.*?\}\})
  | (?P<link>(?<=\])\((?P<to>[^()\s]+)\))
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
REFERRING = {"doc", "eq", "numref", "prf:ref", "ref", "term"}
SAME = {"sub": "<sub>{}</sub>", "sup": "<sup>{}</sup>", "math": "${}$", "code": "`{}`"}
CITING = {"cite": "({})", "cite:p": "({})", "cite:t": "{}"}


class PlainError(ValueError):
    """A page holds what has no plain form."""


@dataclass
class Page:
    """The page that is being rewritten, and what it may link to."""

    name: str  # "book/06-isometry"
    atlas: Atlas
    notebooks: frozenset[str]  # pages that lie as notebooks where this one will lie
    site_url: str | None  # of the published pages, for what is no notebook
    cited: set[str] = field(default_factory=set)  # keys, as they are met
    solving: bool = False  # between the gates of a solution

    def link(self, text: str, to: Reference) -> str:
        """The text, as a link where it leads to another notebook or to the published site."""
        if to.page == self.name:
            return text
        if to.page in self.notebooks:
            path = posixpath.relpath(f"{to.page}.ipynb", posixpath.dirname(self.name) or ".")
            return f"[{text}]({path})"
        if self.site_url:
            anchor = f"#{to.anchor}" if to.anchor else ""
            return f"[{text}]({self.site_url.rstrip('/')}/{to.page}.html{anchor})"
        return text


def inline(text: str, page: Page) -> str:
    """Text outside of code blocks, with every role, attribute and link to a page made plain."""
    return TOKEN.sub(lambda found: plain_token(found, page), text)


def plain_token(found: re.Match, page: Page) -> str:
    match found.lastgroup:  # the outermost one
        case "role":
            return role(found["name"], found["body"], page)
        case "math":
            # a line break inside would carry the mark of a quote or a list into the formula
            return re.sub(r"\s*\n[ >]*", " ", found["math"])
        case "span":
            return inline(found["inside"], page)
        case "attributes":
            return ""
        case "link":
            return f"({address(found['to'], page)})"
        case "footnote" | "substitution":
            raise PlainError(
                f"{page.name}: {found[0]} has no plain form; write it into the text instead."
            )
    return found[0]


def role(name: str, body: str, page: Page) -> str:
    """What the reader of the page sees in place of {name}`body`."""
    if name in CITING:
        keys = [key.strip() for key in body.split(",")]
        # in the order of the bibliography, as on the page
        known = {key: page.atlas.citation(key, page.name) for key in keys}
        cited = [known[key] for key in page.atlas.citations if key in known]
        page.cited.update(keys)
        if name == "cite:t":
            return ", ".join(one.textual for one in cited)
        return CITING[name].format("; ".join(one.parenthetical for one in cited))
    if name in SAME:
        return SAME[name].format(body)
    titled = TITLED.match(body)
    title, target = (titled["title"], titled["target"]) if titled else ("", body)
    if name.startswith("py:"):
        to = page.atlas.reference(name, target, page.name)
        call = "()" if name in ("py:func", "py:meth") else ""
        return page.link(f"`{title or shown_object(target) + call}`", to)
    if name not in REFERRING:
        raise PlainError(
            f"{page.name}: the role {{{name}}}`{body}` has no plain form; write it otherwise, or "
            "add it to book/_ext/editions/inline.py."
        )
    to = page.atlas.reference(name, " ".join(target.split()), page.name)
    if name == "numref" and title:
        number = to.text.rpartition(" ")[2]
        title = title.replace("%s", number).replace("{number}", number)
        title = title.replace("{name}", to.title)
    # a term reads as it was written, whatever the glossary's capitals
    text = title or (" ".join(target.split()) if name == "term" else to.text)
    return page.link(text, to)


def shown_object(target: str) -> str:
    """`~geokit.geodesic` shows its last part only."""
    return target[1:].rpartition(".")[2] if target.startswith("~") else target.lstrip(".!")


def address(to: str, page: Page) -> str:
    """Where a written link leads: pages become notebooks, files and other sites stay."""
    if not re.match(r"#|project:|path:|inv:", to):
        path = to.partition("#")[0]
        if ":" in path or not path.endswith(".md"):
            return to
        found = page.link("", page.atlas.reference("doc", path, page.name))
        if found:
            return found.removeprefix("[](").removesuffix(")")
    raise PlainError(
        f"{page.name}: the link to {to} has nowhere to lead in a notebook; write a role such as "
        "{ref} or {doc}, or name the address of the published site."
    )
