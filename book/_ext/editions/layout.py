"""How blocks of plain Markdown lie among others: quoted, set in, apart, on one line."""

import re
import textwrap

CONTAINER = re.compile(r"(?:\s*(?:>|[-*+]\s|\d+[.)]\s))*\s*")


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
