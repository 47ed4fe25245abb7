"""The first cell of a notebook to download: opened alone, the notebook fetches the rest by it.

In a clone of the book, or of its published branch, the cell does nothing.
"""

from pathlib import Path

from .offline import write_zip
from .published import NAME, raw, requirement

CARRIED = ("book/style.mplstyle", "notebooks/results", "notebooks/specs")  # what cells read
FILES = "files.zip"

KNOWN = """\
# Opened alone, as on Colab, the notebook fetches what it needs.
# With the rest of the book around it, this cell does nothing.
import importlib.util
import io
import os
import urllib.request
import zipfile
from pathlib import Path

if importlib.util.find_spec("geokit") is None:
    %pip install --quiet "{requirement}" anywidget
if not Path("../book/style.mplstyle").exists():
    if not Path("{name}/book/style.mplstyle").exists():
        with urllib.request.urlopen("{files}") as answer:
            zipfile.ZipFile(io.BytesIO(answer.read())).extractall("{name}")
    os.chdir("{name}/{folder}")
"""
UNKNOWN = """\
# This notebook needs the library geokit, and the book's folders beside it.
import importlib.util
from pathlib import Path

if importlib.util.find_spec("geokit") is None:
    raise ModuleNotFoundError(
        "geokit is not installed in this kernel: run `pip install -e .` "
        "in a clone of the book, and start Jupyter from there."
    )
if not Path("../book/style.mplstyle").exists():
    raise FileNotFoundError(
        f"The book's files are not beside {{Path.cwd()}}: "
        "put this notebook into the folder `{folder}` of a clone of the book."
    )
"""


def first_cell(repository: str | None, folder: str = "book") -> str:
    """The source of the cell, for a notebook whose place in the book is `folder`."""
    if repository is None:
        return UNKNOWN.format(folder=folder)
    files = raw(repository, FILES)
    return KNOWN.format(requirement=requirement(repository), name=NAME, files=files, folder=folder)


def carried(root: Path) -> dict[str, Path]:
    """The files that cells read, by their names in the book."""
    found = [root / name for name in CARRIED]
    found += [path for folder in found for path in folder.rglob("*")]
    return {path.relative_to(root).as_posix(): path for path in found if path.is_file()}


def files_zip(root: Path, target: Path) -> None:
    write_zip(carried(root), target)
