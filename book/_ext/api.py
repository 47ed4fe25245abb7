"""Sphinx: the library's reference by autodoc, and links from the code of a page to it.

Two things autodoc cannot do by itself: docstrings are Markdown here, not reStructuredText; and
annotations are shown as they are written, `Immersion` and not the `Callable[[Tensor], Tensor]`
that it was evaluated to: griffe reads them. Links by `sphinx-codeautolink` would be on every name.
"""

import ast
import inspect
import re
from collections.abc import Callable
from functools import cache

import griffe
from docutils import nodes
from sphinx.application import Sphinx

MARKUP = re.compile(r"`+([^`]+)`+(\w?)|\|")  # a code span, with the letter after it; a bar
SECTION = re.compile(r"^(Returns|Sources?):(.*(?:\n.+)*)", re.M)
# a name in highlighted code that is no attribute and no keyword, with the attribute after it
NAME = re.compile(
    r'(?<!<span class="o">\.</span>)<span class="n">(\w+)</span>(?!<span class="o">=</span>)'
    r'(?:<span class="o">\.</span><span class="n">(\w+)</span>)?'
)
BACK = re.compile(r'(?<=<a class="viewcode-back" href=")[^"#]*#(geokit([\w.]+))')
CODE = re.compile(r'<div class="cell_input.*?</pre>', re.DOTALL)


@cache
def library() -> griffe.Module:
    return griffe.load("geokit")


def signature(made: type | Callable) -> tuple[str, str]:
    """What goes in and what comes out, as the author wrote it, without `self`."""
    written = library()[f"{made.__module__}.{made.__qualname__}".removeprefix("geokit.")]
    shown = [p for p in written.parameters if p.name not in ("self", "cls") and p.name[0] != "_"]
    for one in shown:
        if str(one.default).startswith("lambda"):  # a field's, called for each object
            one.default = "..."
    whole = griffe.Function(name="", parameters=griffe.Parameters(*shown))
    return whole.signature(), str(getattr(written, "returns", None) or "")


def mend_signature(
    app: Sphinx, what: str, name: str, made: object, options: dict, shown: str, returns: str
) -> tuple[str, str] | None:
    if what in ("class", "exception", "function", "method"):
        return signature(made)
    return None


def reworded(lines: list[str]) -> list[str]:
    """Markdown to reStructuredText, as far as docstrings need it: code spans, bars, two sections.

    `Returns:` and `Source:` become fields; napoleon would take the text before a colon for a type.
    A bar is an absolute value here, and a substitution there.
    """

    def field(found: re.Match) -> str:
        return f":{found[1]}:" + re.sub(r"\n *", "\n    ", found[2])

    def marked_up(found: re.Match) -> str:
        return f"``{found[1]}``" + (found[2] and rf"\ {found[2]}") if found[1] else r"\|"

    paragraphs = SECTION.sub(field, "\n".join(lines)).split("\n\n")
    text = "\n\n".join(p if ">>>" in p else MARKUP.sub(marked_up, p) for p in paragraphs)
    return text.split("\n")


def mend_docstring(
    app: Sphinx, what: str, name: str, made: object, options: dict, lines: list[str]
) -> None:
    lines[:] = [] if what == "module" else reworded(lines)  # a module's the page includes
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # napoleon takes what stands before a colon in line one for a type


def skip_defaults(
    app: Sphinx, what: str, name: str, made: object, skip: bool, options: dict
) -> bool | None:
    """A function that is a field's default looks like a method; it stands in the signature."""
    return True if inspect.isfunction(made) and made.__name__ != name else None


def imported(doctree: nodes.document) -> dict[str, str]:
    """What the code of a page imports from the library: the name there, the whole name."""
    found = {}
    for block in doctree.findall(nodes.literal_block):
        try:
            tree = ast.parse(block.astext())
        except SyntaxError:  # what a cell prints, or a shell's command
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("geokit."):
                found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def link_code(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """In each cell the first occurrence of a name leads to its entry, and that to its source.

    From a source back to its entry: viewcode takes all of a module to be documented on one page
    and under one name, and `geokit.rbf` has entries of `geokit` and its own.
    """
    known = app.env.domains["py"].objects
    names = imported(doctree) if doctree else {}

    def place(whole: str) -> str:
        entry = known[whole]
        return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"

    def back(link: re.Match) -> str:
        return next(
            (place(n) for n in (link[1], *known) if n in known and n.endswith(link[2])), link[0]
        )

    def linked(cell: re.Match) -> str:
        seen = set()

        def link(span: re.Match) -> str:
            whole = names.get(span[1], "") + (f".{span[2]}" if span[2] else "")
            if whole not in known or whole in seen:
                return span[0]
            seen.add(whole)
            return f'<a class="to-api" href="{place(whole)}">{span[0]}</a>'

        return NAME.sub(link, cell[0])

    if page.startswith("_modules/"):
        context["body"] = BACK.sub(back, context["body"])
    elif names:
        context["body"] = CODE.sub(linked, context["body"])


def join(app: Sphinx) -> None:
    for extension in ("autodoc", "autosummary", "napoleon", "viewcode"):
        app.setup_extension(f"sphinx.ext.{extension}")
    app.config.autodoc_default_options = {"members": True, "member-order": "bysource"}
    app.config.napoleon_use_param = False  # "start, end" is one line, not the same line twice
    app.config.napoleon_attr_annotations = False  # they are in the signature
    app.connect("autodoc-skip-member", skip_defaults)
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("autodoc-process-docstring", mend_docstring, priority=400)  # before napoleon
    app.connect("html-page-context", link_code)
