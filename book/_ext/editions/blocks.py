"""The block half of MyST as plain Markdown: directives become quotes, headings and math."""

import re
from pathlib import Path

from .. import provenance
from .inline import Page, inline

FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})(?:\{(?P<name>[^}\n]+)\})?[ \t]*(?P<argument>.*)\n"
    r"(?P<content>(?:.*\n)*?)(?P=fence)[ \t]*$",
    re.M,
)
OPTION = re.compile(r":([\w-]+):[ \t]*(.*)\n")
BREAK, SOLVED = "\f", "\v"  # where one cell ends and the next begins; the latter ends a solution
SOLUTION = "#### Solution of "


def blocks(text: str, page: Page) -> str:
    """The text as plain Markdown, each directive between empty lines."""
    parts, done = [], 0
    for found in FENCE.finditer(text):
        parts.append(inline(text[done : found.start()], page))
        code = found["name"] is None and found["fence"].startswith("`")
        parts.append(found[0] if code else directive(found, page))
        done = found.end()
    parts.append(inline(text[done:], page))
    return "\n\n".join(filter(None, (part.strip("\n") for part in parts)))


def directive(found: re.Match, page: Page) -> str:
    name, argument, body = found["name"], found["argument"].strip(), found["content"]
    options = {}
    while option := OPTION.match(body):
        options[option[1]] = option[2].strip()
        body = body[option.end() :]
    match (name or "").split(":"):
        case ["exercise-start"]:
            return f"{BREAK}### {numbered('exercise', argument, options, page)}"
        case ["solution-start"]:
            number = page.atlas.reference("ref", argument, page.name).text
            return f"{BREAK}{SOLUTION}{number[0].lower()}{number[1:]}{BREAK}"
        case ["exercise-end"]:
            return BREAK
        case ["solution-end"]:
            return SOLVED
        case ["prf", "proof"]:
            return quote(proof(inline(argument, page), blocks(body, page)))
        case ["prf", kind]:
            heading = numbered(kind, argument, options, page, mark="**")
            return quote(f"{heading}\n\n{blocks(body, page)}")
        case ["admonition"]:
            return quote(f"**{inline(argument, page)}**\n\n{blocks(body, page)}")
        case ["note" | "tip" | "warning"] if not argument:
            return quote(f"**{name.capitalize()}**\n\n{blocks(body, page)}")
        case ["math"]:
            label = f" ({options['label']})" if "label" in options else ""
            return inline(f"$$\n{(argument + body).strip()}\n$${label}", page)
        case ["provenance"]:
            return provenance.markdown(Path(__file__).parents[3], argument.split())
    raise page.error(f"the directive {{{name}}} {argument}".strip() if name else found["fence"])


def numbered(kind: str, title: str, options: dict, page: Page, mark: str = "") -> str:
    """ "Exercise 6.1 (Title)", with the number of the page."""
    if "label" not in options:
        raise page.error(f"the {kind} {title!r} without a `:label:`")
    name = page.atlas.reference("ref", options["label"], page.name).text
    return f"{mark}{name}{mark}" + (f" ({inline(title, page)})" if title else "")


def proof(title: str, body: str) -> str:
    heading = f"**Proof** ({title})." if title else "**Proof.**"
    # as on the page, the first sentence follows on the same line, unless it is no sentence
    apart = re.match(r"\$\$|[*+>#|`-]|\d+[.)]", body)
    return f"{heading}\n\n{body}" if apart else f"{heading} {body}"


def quote(text: str) -> str:
    text = re.sub(r"\$\$(.+?)\$\$", one_line, text, flags=re.S)
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n"))


def one_line(formula: re.Match) -> str:
    """Jupyter takes formulas out before it sees quotes: a second line would begin with `>`."""
    lines = (re.sub(r"(?<!\\)%.*", "", line).strip() for line in formula[1].split("\n"))
    return f"$${' '.join(filter(None, lines))}$$"
