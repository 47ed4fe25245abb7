"""Geometry knows no model and models no geometry: the architecture, read from the imports."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "geokit"

# Who may import whom. `types` is open to all; the two sides meet only in a callable.
MAY_IMPORT = {
    # models: data -> parameters -> a callable f
    "progress": set(),
    "data": {"progress"},
    "models": set(),
    "training": {"progress"},
    "pretrained": {"models"},
    "rbf": set(),
    "ensemble": {"pullback"},
    # geometry: f -> G -> numbers, curves, geodesics
    "surfaces": set(),
    "pullback": set(),
    "metric": {"pullback"},
    "elements": set(),
    "curves": {"elements"},
    "solvers": {"pullback", "metric", "elements", "curves"},
    "geodesic": {"pullback", "metric", "elements", "curves", "solvers"},
    "exponential": {"pullback", "metric", "geodesic"},
    "walks": {"pullback", "metric", "exponential"},
    # measurements
    "identifiability": {"pullback", "curves", "geodesic"},
    "reliability": set(),
}
MAY_IMPORT["experiment"] = set(MAY_IMPORT)
TOP = {"plotting", "explore", "check"}  # may import everything, imported by none below
OPTIONAL = {"pooch", "torchdiffeq", "zuko", "anywidget", "dask", "distributed", "tqdm", "PIL"}


def unit(path: Path, package: Path) -> str:
    """The module or subpackage directly below the package; '' is the package's own front door."""
    first = path.relative_to(package).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path, package: Path) -> Iterator[tuple[str, bool]]:
    """Absolute dotted names of what a file imports, and whether it does so on being imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    deferred = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    here = (package.name, *path.relative_to(package).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in deferred
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join([*start, *filter(None, [node.module])])
            for alias in node.names:
                yield f"{base}.{alias.name}", id(node) not in deferred


def forbidden_imports(package: Path) -> list[str]:
    faults = []
    for path in sorted(package.rglob("*.py")):
        name, where = unit(path, package), path.relative_to(package.parent).as_posix()
        if name not in {"", "types", *MAY_IMPORT, *TOP}:
            faults.append(f"{where}: give {name} its place in MAY_IMPORT")
            continue
        below = set(MAY_IMPORT) if name == "" else MAY_IMPORT.get(name, set())
        allowed = {name, "types"} | below if name not in TOP else {"types", *MAY_IMPORT, *TOP}
        for imported, at_once in imports(path, package):
            root, _, rest = imported.partition(".")
            other = rest.partition(".")[0]
            if root == package.name and other in {*MAY_IMPORT, *TOP} and other not in allowed:
                faults.append(f"{where} imports {imported}")
            if root in OPTIONAL and at_once and (root, name) != ("anywidget", "explore"):
                faults.append(f"{where} imports the optional {root} before it is needed")
    return faults


def test_imports_follow_the_arrows():
    assert forbidden_imports(PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        ("metric.py", "from .models import VAE", "imports house.models.VAE"),
        ("models/vae.py", "from ..pullback import jacobian", "imports house.pullback.jacobian"),
        ("models/vae.py", "from .. import metric", "imports house.metric"),
        ("pullback.py", "import house.geodesic", "imports house.geodesic"),
        ("solvers/newton.py", "from ..geodesic import length", "imports house.geodesic.length"),
        ("reliability.py", "def f():\n    from .plotting import ax", "imports house.plotting.ax"),
        ("data.py", "import pooch", "imports the optional pooch"),
        ("plotting.py", "import anywidget", "imports the optional anywidget"),
        ("novelty.py", "import math", "give novelty its place"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, file, line, found):
    path = tmp_path / "house" / file
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert any(found in fault for fault in forbidden_imports(tmp_path / "house"))


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("geodesic.py", "from .solvers import newton\nfrom .types import Metric"),
        ("data.py", "def load():\n    import pooch"),
        ("explore/ellipse.py", "import anywidget\nfrom ..metric import norm"),
        ("plotting.py", "from .geodesic import Geodesic"),
    ],
)
def test_an_allowed_import_passes(tmp_path, file, line):
    path = tmp_path / "house" / file
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert forbidden_imports(tmp_path / "house") == []


@pytest.mark.slow
def test_importing_the_package_loads_nothing_that_takes_long():
    """Scikit-learn, scipy's statistics and the models' libraries come when they are first used."""
    heavy = ("sklearn", "scipy.stats", "scipy.optimize", "matplotlib", "zuko", "torchdiffeq")
    code = f"import sys, geokit; print(*(name for name in {heavy} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
