"""What a test needs: the built book, time; or what a machine may lack: a browser, data, a GPU."""

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

MARKERS = {
    "book": "reads what `make course` built: whatever asks for the fixture `site` or `course`",
    "slow": "takes seconds, so `make check` leaves it to `make test`",
    "nightly": "takes minutes, and another test sees most of it: `make test-all`",
    "browser": "looks at the built pages in Chromium",
    "data": "reads the large image files below GEOKIT_DATA",
    "sandbox": "runs submissions in bubblewrap's sandbox",
    "gpu": "needs a CUDA device",
    "peers(*modules)": "compares with other libraries, named by their import names",
}
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
"""At night: more examples, and more pairs where each takes seconds."""
BUILT = {"site", "course"}
"""Fixtures that give what `make` built."""
BUILDS = {"house", "handed_out", "whole"}
"""Fixtures that build a tiny book, a course of it, or run a small experiment."""
LONGEST = {"test_pages", "test_explore", "test_experiment", "test_editions", "test_nbgrader"}
"""Files that take minutes: they start first, so that no process waits for one of them."""
DOWNLOADED = {"mnist", "fashion-mnist", "cifar-10", "celeba"}
"""Images that come with no package."""


def needs(item: pytest.Item) -> Iterator[str]:
    """Marks that follow from what a test is."""
    if BUILT & {*getattr(item, "fixturenames", ())}:
        yield "book"
    if BUILDS & {*getattr(item, "fixturenames", ())}:
        yield "slow"
    if item.path.suffix == ".ipynb" and loads_large_images(item.path):
        yield "data"


@cache
def loads_large_images(notebook: Path) -> bool:
    """Whether running the notebook loads such images, outside functions and conditions."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    at_once = (node for source in code for node in ast.parse(source).body)
    plain = (node for node in at_once if isinstance(node, ast.Assign | ast.Expr))
    calls = (n for node in plain for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(
        ast.unparse(call.func) == "data.load"
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value in DOWNLOADED
        for call in calls
    )


def chromium() -> str | None:
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def missing_browser(_: pytest.Mark) -> str | None:
    return None if chromium() else "no Chromium: install the package chromium"


def missing_data(_: pytest.Mark) -> str | None:
    folder = os.environ.get("GEOKIT_DATA")
    if not folder:
        return "GEOKIT_DATA is not set"
    return None if Path(folder).is_dir() else f"GEOKIT_DATA={folder} is not a folder"


def missing_sandbox(_: pytest.Mark) -> str | None:
    if not shutil.which("bwrap"):
        return "no bwrap: install the package bubblewrap"
    tried = subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"])
    return "bwrap may not make a sandbox here" if tried.returncode else None


def missing_gpu(_: pytest.Mark) -> str | None:
    import torch  # late: only a run that has such tests pays for it

    return None if torch.cuda.is_available() else "no CUDA device"


def missing_peers(mark: pytest.Mark) -> str | None:
    absent = [name for name in mark.args if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


LACKS = {
    "browser": missing_browser,
    "data": missing_data,
    "sandbox": missing_sandbox,
    "gpu": missing_gpu,
    "peers": missing_peers,
}
