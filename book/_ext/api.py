"""Sphinx: the library's reference, from its docstrings and from the signatures as they are written.

`autodoc` and `napoleon` do the work. What they take for reStructuredText is Markdown here, and
what they see of an annotation is what it was evaluated to: both are mended on the way.
"""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SPAN = re.compile(r"`+([^`]+)`+(\w?)")
SECTION = re.compile(r"(Returns|Sources?):\s*(.*)")


def public(module: ModuleType) -> list[str]:
    """What a module offers: its `__all__`, or else what it defines without an underscore."""
    defined = (
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    )
    return getattr(module, "__all__", [name for name in defined if not name.startswith("_")])


def _ours(made: object) -> bool:
    return (getattr(made, "__module__", None) or "").startswith("geokit")


def parsed(made: object) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(made))).body[0]
    except (OSError, TypeError):  # made by Python itself, as the __init__ of a dataclass is
        return None


def arguments(made: object) -> str:
    """The arguments of a function or class as its author wrote them, without `self`.

    Evaluated, `Immersion` would read `Callable[[Tensor], Tensor]`, and so would `Metric`; and a
    default that is a path would be one of this machine.
    """
    if inspect.isclass(made):
        if dataclasses.is_dataclass(made):
            return ", ".join(fields(made))
        made = made.__init__ if _ours(made.__init__) else None
    tree = parsed(made)
    if not isinstance(tree, ast.FunctionDef):
        return ""
    if tree.args.args and tree.args.args[0].arg in ("self", "cls"):
        del tree.args.args[0]
    return ast.unparse(tree.args)


def fields(made: type) -> Iterator[str]:
    """The fields of a dataclass as arguments; a default that is made for each object is "..."."""
    written = {}
    for base in filter(_ours, reversed(made.__mro__)):
        nodes_of_base = (node for node in parsed(base).body if isinstance(node, ast.AnnAssign))
        written |= {node.target.id: node for node in nodes_of_base}
    for one in dataclasses.fields(made):
        node = written[one.name]
        if one.name.startswith("_") or not one.init:
            continue
        text = f"{one.name}: {ast.unparse(node.annotation)}"
        if one.default_factory is not dataclasses.MISSING:
            text += " = ..."
        elif one.default is not dataclasses.MISSING:
            text += f" = {ast.unparse(node.value)}"
        yield text


def result(made: object) -> str:
    tree = parsed(made)
    written = getattr(tree, "returns", None)
    return ast.unparse(written) if written else ""


def mend_signature(
    app: Sphinx, what: str, name: str, made: object, options: dict, shown: str, returns: str
) -> tuple[str, str] | None:
    if what not in ("class", "exception", "function", "method"):
        return None
    return f"({arguments(made)})", result(made)


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
    lines[:] = reworded(lines)
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # napoleon takes what stands before a colon in line one for a type


def kind_of(made: object) -> tuple[str, str]:
    """Which of autodoc's directives a name wants, and with which option."""
    if inspect.isclass(made):
        return ("exception", "") if issubclass(made, Exception) else ("class", "members")
    return ("function", "") if inspect.isfunction(made) else ("data", "no-value")


def skip_defaults(
    app: Sphinx, what: str, name: str, made: object, skip: bool, options: dict
) -> bool | None:
    """A function that is a field's default looks like a method; it stands in the signature."""
    return True if inspect.isfunction(made) and made.__name__ != name else None


class Api(SphinxDirective):
    """A module's docstring, then each public name of it, or each name that is listed."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        names = [name for line in self.content for name in line.split()]
        text = [] if names else inspect.getdoc(module).splitlines()
        for name in names or public(module):
            if not hasattr(module, name):
                raise self.error(f"{module.__name__} has no {name}; list names that it has.")
            made = getattr(module, name)
            kind, option = kind_of(made)
            line = f".. auto{kind}:: {module.__name__}.{name}"
            text += ["", "````{eval-rst}", line, *([f"   :{option}:"] if option else []), "````"]
        here = nodes.Element()
        self.state.nested_parse(StringList(text, module.__name__), self.content_offset, here)
        return here.children


def join(app: Sphinx) -> None:
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.autosummary")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api", Api)
    app.config.napoleon_use_param = False  # "start, end" is one line, not the same line twice
    app.config.napoleon_attr_annotations = False  # they are in the signature
    app.connect("autodoc-skip-member", skip_defaults)
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("autodoc-process-docstring", mend_docstring, priority=400)  # before napoleon
