"""The bibliography as Markdown: what the pages show at a citation, and the entry itself."""

import re
from dataclasses import dataclass
from pathlib import Path

import pybtex.plugin
from pybtex.database import Entry, parse_file
from sphinxcontrib.bibtex.style.referencing.basic_author_year import (
    BasicAuthorYearTextualReferenceStyle,
)

BIBLIOGRAPHY = Path(__file__).parents[2] / "references.bib"


@dataclass(frozen=True)
class Citation:
    authors: str  # "Syrota et al.", "Tosi and Hauberg", "Lee"
    year: str
    entry: str  # the full entry, Markdown

    @property
    def textual(self) -> str:
        return f"{self.authors} ({self.year})"

    @property
    def parenthetical(self) -> str:
        return f"{self.authors}, {self.year}"


class Markdown(pybtex.plugin.find_plugin("pybtex.backends", "markdown")):
    """The library's own escapes every full stop and hyphen; here only what Markdown would read."""

    def format_str(self, text: str) -> str:
        return re.sub(r"([\\`*_\[\]$<])", r"\\\1", text)

    def format_href(self, url: str, text: str, external: bool = False) -> str:
        return f"<{url}>" if re.sub(r"\\(.)", r"\1", text) == url else f"[{text}]({url})"


def authors(entry: Entry) -> str:
    """As the pages name them, by the style that names them there."""
    style = BasicAuthorYearTextualReferenceStyle()
    text = style.person.author_or_editor_or_title(full=False)
    text = text.format_data({"entry": entry, "style": style})
    return text.render(pybtex.plugin.find_plugin("pybtex.backends", "plaintext")())


def read_citations(bibliography: Path) -> dict[str, Citation]:
    """The entries by key, in the order of the printed bibliography."""
    entries = parse_file(str(bibliography), bib_format="bibtex").entries
    # the style of the page of references, which is the extension's default
    style = pybtex.plugin.find_plugin("pybtex.style.formatting", "alpha")()
    formatted = style.format_entries(entries.values())
    return {
        one.key: Citation(
            authors(entries[one.key]),
            entries[one.key].fields.get("year", "no year"),
            re.sub(r"\s+", " ", one.text.render(Markdown())),
        )
        for one in formatted
    }
