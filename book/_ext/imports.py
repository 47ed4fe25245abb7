"""Which files of the library a piece of code can come to run: read from the imports, not run.

A name imported from a package is followed to the module that defines it, so that a chapter that
takes `norm` from `geokit` depends on what `norm` rests on, and not on all that the package offers.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

MAGIC = re.compile(r"^[%!].*$", re.M)


class Library:
    """The source files of one package, as a graph of imports."""

    def __init__(self, folder: Path):
        self.files: dict[str, Path] = {}
        """Each module by its dotted name; a package by that of its `__init__`."""
        for path in sorted(folder.rglob("*.py")):
            parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
            self.files[".".join(parts).removesuffix(".__init__")] = path

    def reached(self, source: str) -> set[str]:
        """The modules on which code rests, all the way down."""
        found: set[str] = set()
        waiting = [*self._targets(ast.parse(source))]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._targets(_tree(self.files[name]), name)
        return found

    def _targets(self, tree: ast.AST, module: str = "") -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                base = self._base(node, module)
                for alias in node.names if base in self.files else ():
                    yield self._origin(base, alias.name)
            elif isinstance(node, ast.Import):  # all that the package offers may be meant
                yield from (alias.name for alias in node.names if alias.name in self.files)

    def _base(self, node: ast.ImportFrom, module: str) -> str:
        """The absolute name of what is imported from."""
        package = module if self._is_package(module) else module.rpartition(".")[0]
        return resolve_name("." * node.level + (node.module or ""), package)

    def _is_package(self, module: str) -> bool:
        return module in self.files and self.files[module].name == "__init__.py"

    def _origin(self, module: str, name: str) -> str:
        """The module that defines what `from module import name` gives."""
        if f"{module}.{name}" in self.files:
            return f"{module}.{name}"
        for node in _tree(self.files[module]).body if self._is_package(module) else ():
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                if name == (alias.asname or alias.name):
                    return self._origin(self._base(node, module), alias.name)
        return module


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def meaning(path: Path) -> str:
    """What a file computes: its syntax tree without comments, docstrings and line numbers."""
    return ast.dump(without_texts(path.read_text(encoding="utf-8")))


def without_texts(source: str) -> ast.Module:
    """The syntax tree of code, without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not is_text(part)]
    return tree


def is_text(node: ast.stmt) -> bool:
    """A docstring, of whatever it stands in or behind."""
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
