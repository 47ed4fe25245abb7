"""Sphinx: the library's reference by autodoc, and links from the code of a page to it.

Two things autodoc cannot do by itself: docstrings are Markdown here, not reStructuredText; and
annotations are shown as they are written, `Immersion` and not the `Callable[[Tensor], Tensor]`
that it was evaluated to.
"""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

SPAN = re.compile(r"`+([^`]+)`+(\w?)")
SECTION = re.compile(r"(Returns|Sources?):\s*(.*)")
# a name in highlighted code that is no attribute and no keyword, with the attribute after it
NAME = re.compile(
    r'(?<!<span class="o">\.</span>)<span class="n">(\w+)</span>(?!<span class="o">=</span>)'
    r'(?:<span class="o">\.</span><span class="n">(\w+)</span>)?'
)
BACK = re.compile(r'(<a class="viewcode-back" href=")[^"#]*#([\w.]+)')
CODE = re.compile(r'<div class="cell_input.*?</pre>', re.DOTALL)


def _ours(made: object) -> bool:
    return (getattr(made, "__module__", None) or "").startswith("geokit")


def parsed(made: object) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(made))).body[0]
    except (OSError, TypeError):  # made by Python itself, as the __init__ of a dataclass is
        return None


def arguments(made: object) -> str:
    """The arguments of a function or class as its author wrote them, without `self`."""
    if dataclasses.is_dataclass(made):
        return ", ".join(fields(made))
    if inspect.isclass(made):
        made = made.__init__ if _ours(made.__init__) else None
    tree = parsed(made)
    if not isinstance(tree, ast.FunctionDef):
        return ""
    tree.args.args = [a for a in tree.args.args if a.arg not in ("self", "cls")]
    return ast.unparse(tree.args)


def fields(made: type) -> Iterator[str]:
    """The fields of a dataclass as arguments; a default that is made for each object is "..."."""
    bases = [parsed(base).body for base in reversed(made.__mro__) if _ours(base)]
    written = {n.target.id: n for body in bases for n in body if isinstance(n, ast.AnnAssign)}
    for one in dataclasses.fields(made):
        node = written[one.name]
        if one.name.startswith("_") or not one.init:
            continue
        default = "" if one.default is dataclasses.MISSING else f" = {ast.unparse(node.value)}"
        if one.default_factory is not dataclasses.MISSING:
            default = " = ..."
        yield f"{one.name}: {ast.unparse(node.annotation)}{default}"


def mend_signature(
    app: Sphinx, what: str, name: str, made: object, options: dict, shown: str, returns: str
) -> tuple[str, str] | None:
    if what not in ("class", "exception", "function", "method"):
        return None
    written = getattr(parsed(made), "returns", None)
    return f"({arguments(made)})", ast.unparse(written) if written else ""


def reworded(lines: list[str]) -> list[str]:
    """Markdown to reStructuredText, as far as docstrings need it: code spans, bars, two sections.

    `Returns:` and `Source:` become fields; napoleon would take the text before a colon for a type.
    """
    text, indent = [], None
    for line in lines:
        if found := SECTION.fullmatch(line):
            text += [f":{found[1]}:" + f" {found[2]}".rstrip()]
            indent = "    "
            continue
        if not line or (line[0] != " " and line.endswith(":")):
            indent = None
        text.append(indent + line.strip() if indent else line)
    paragraphs = "\n".join(text).split("\n\n")
    return "\n\n".join(p if ">>>" in p else _marked_up(p) for p in paragraphs).split("\n")


def _marked_up(paragraph: str) -> str:
    """Code spans have two backticks; a bar is an absolute value here, and a substitution there."""
    parts = re.split(r"(`+[^`]+`+\w?)", paragraph)
    parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
    return SPAN.sub(_literal, "".join(parts))


def _literal(span: re.Match) -> str:
    return f"``{span[1]}``" + (f"\\ {span[2]}" if span[2] else "")


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


def mend_ways_back(app: Sphinx, page: str, body: str) -> str:
    """From a source to its entry: viewcode takes all of a module to be documented on one page and
    under one name, and `geokit.rbf` has entries of `geokit` and its own."""
    known = app.env.domains["py"].objects

    def mended(link: re.Match) -> str:
        name = link[2].removeprefix("geokit")
        whole = next((n for n in (link[2], *known) if n in known and n.endswith(name)), None)
        if whole is None:
            return link[0]
        place = app.builder.get_relative_uri(page, known[whole].docname)
        return f"{link[1]}{place}#{known[whole].node_id}"

    return BACK.sub(mended, body)


def link_code(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """In each cell the first occurrence of a name leads to its entry, and that to its source."""
    known = app.env.domains["py"].objects
    if page.startswith("_modules/"):
        context["body"] = mend_ways_back(app, page, context["body"])
    if not doctree or not (names := imported(doctree)):
        return

    def linked(cell: re.Match) -> str:
        seen = set()

        def link(span: re.Match) -> str:
            whole = names.get(span[1], "") + (f".{span[2]}" if span[2] else "")
            if whole not in known or whole in seen:
                return span[0]
            seen.add(whole)
            entry = known[whole]
            place = f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
            return f'<a class="to-api" href="{place}">{span[0]}</a>'

        return NAME.sub(link, cell[0])

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
