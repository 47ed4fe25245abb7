"""The build tells the truth: it fails when it should, each time, and executes what it must."""

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from papermill.exceptions import PapermillExecutionError

from book._ext import execute, notebooks
from book._ext.make import main

ROOT = Path(__file__).parents[1]


HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
CHAPTER = (
    HEADER
    + """\
# A tiny chapter

The prose of old. See {numref}`fig-line`.

```{code-cell}
import sys
sys.path.insert(0, "..")
import geokit
import matplotlib.pyplot as plt
print("the library says", geokit.value)
```

```{code-cell}
:mystnb: {image: {alt: A rising line}, figure: {name: fig-line, caption: Straight.}}
plt.plot([0, 1]);
```
"""
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The project's own build around one tiny chapter and a library of one line."""
    for name in ("Makefile", "_config.yml", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("_ext", "_assets", "_root"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name)
    shutil.copy(ROOT / "book/style.mplstyle", tmp_path / "book/style.mplstyle")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    toc = "format: jb-book\nroot: book/index\nchapters: [file: book/01-tiny]\n"
    write(tmp_path / "_toc.yml", toc)
    write(tmp_path / "book/index.md", "# The book\n")
    write(tmp_path / "book/references.bib", "")
    write(tmp_path / "book/01-tiny.md", CHAPTER)
    write(tmp_path / "geokit/__init__.py", "value = 1\n")
    return tmp_path


def make(house: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """`make`, in an environment that is already installed, as a user's shell would call it."""
    return subprocess.run(
        ["make", "-o", ".venv/.installed", *words],
        cwd=house,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def again(house: Path, command: str = "book", given: str = "") -> subprocess.CompletedProcess:
    """What `make` calls, in this process, which has loaded already what takes long to load."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        fault = main(house, command, given)
        print(fault or "", file=err)
    return subprocess.CompletedProcess(command, bool(fault), out.getvalue(), err.getvalue())


def page(house: Path) -> str:
    return (house / "_build/html/book/01-tiny.html").read_text(encoding="utf-8")


def test_a_page_is_executed_when_its_results_may_have_changed_and_only_then(house):
    """A user's own backend and paths do no harm; prose executes nothing; the library does."""
    first = make(house, "book", MPLBACKEND="agg", PYTHONPATH="/nowhere", VIRTUAL_ENV="/nowhere")
    assert first.returncode == 0, first.stderr
    assert "executing book/01-tiny … done in" in first.stdout
    assert (house / "_build/html/index.html").exists()
    assert 'alt="A rising line"' in page(house)
    assert "the library says 1" in page(house)

    write(house / "book/01-tiny.md", CHAPTER.replace("of old", "of today"))
    second = again(house)
    assert second.returncode == 0, second.stderr
    assert "executing" not in second.stdout
    assert "The prose of today" in page(house)
    assert "the library says 1" in page(house)

    write(house / "geokit/__init__.py", "value = 2\n")
    third = make(house, "book")
    assert third.returncode == 0, third.stderr
    assert "executing book/01-tiny …" in third.stdout
    assert "the library says 2" in page(house)


def test_a_failing_cell_fails_the_build_each_time_and_is_shown(house):
    write(house / "book/01-tiny.md", CHAPTER.replace("plt.plot([0, 1]);", "unfair = 1 / 0"))
    for run in (make(house, "book"), again(house)):
        assert run.returncode != 0
        assert "unfair = 1 / 0" in run.stderr
        assert "ZeroDivisionError: division by zero" in run.stderr
        assert "\x1b[" not in run.stderr
        assert not (house / "_build/html").exists()


def test_a_failed_strict_build_fails_again(house):
    """A reference to nothing and a cell that warns: neither is forgotten by the second run."""
    broken = CHAPTER.replace("`fig-line`", "`fig-nowhere`")
    write(
        house / "book/01-tiny.md",
        broken.replace("plt.plot", "print('mind', file=sys.stderr)\nplt.plot"),
    )
    for run in (make(house, "book"), again(house)):
        assert run.returncode != 0
        assert "undefined label: 'fig-nowhere'" in run.stderr
        assert "stderr was found in the cell outputs" in run.stderr
        assert "The strict build failed" in run.stderr


def test_an_old_python_is_refused_in_one_sentence(house):
    (house / ".venv").unlink()
    old = write(
        house / "python3.9", '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n'
    )
    old.chmod(0o755)
    run = subprocess.run(
        ["make", "book", f"PYTHON={old}"], cwd=house, capture_output=True, text=True, timeout=60
    )
    assert run.returncode != 0
    assert f"geokit needs Python 3.11 or newer, but {old} is Python 3.9.2." in run.stderr
    assert not (house / ".venv").exists()


def test_help_names_every_command(house):
    shown = make(house, "help").stdout
    for command in (
        "book",
        "course",
        "slides",
        "pdf",
        "zip",
        "test",
        "bench",
        "notebooks",
        "clean",
    ):
        assert f"make {command} " in shown


EXPERIMENT = (
    HEADER
    + "# Try\n\n```{code-cell}\n:tags: [parameters]\nn = 2\n```\n\n```{code-cell}\nn**2\n```\n"
)
WAITS_FOR = """\
# Waits

```{{code-cell}}
import time
from pathlib import Path
Path("{me}").touch()
end = time.time() + 60
while not Path("{other}").exists():
    assert time.time() < end, "the other page never ran"
    time.sleep(0.1)
```
"""


def test_pages_execute_at_the_same_time(house, monkeypatch):
    """Each of two pages waits until the other has begun: one after the other, neither would end."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    write(house / "book/01-tiny.md", HEADER + WAITS_FOR.format(me="one", other="two"))
    write(house / "book/02-tiny.md", HEADER + WAITS_FOR.format(me="two", other="one"))
    toc = "format: jb-book\nroot: book/index\nchapters: [file: book/01-tiny, file: book/02-tiny]\n"
    write(
        house / "_toc.yml",
        toc.replace("[file: book/01-tiny, ", "[{file: book/01-tiny}, {").replace("]", "}]"),
    )
    execute.main(house)


def test_an_experiment_is_not_executed_by_the_build(house, capsys):
    """Its executed twin is the page; the text beside it is no second page."""
    write(house / "notebooks/try.md", EXPERIMENT.replace("n**2", "print(n**2)"))
    notebooks.run(house / "notebooks/try.md")
    write(
        house / "_toc.yml", "format: jb-book\nroot: book/index\nchapters: [file: notebooks/try]\n"
    )
    run = again(house)
    assert run.returncode == 0, run.stderr
    assert "executing" not in run.stdout
    assert ">4\n" in (house / "_build/html/notebooks/try.html").read_text(encoding="utf-8")


def test_a_kernel_that_dies_fails_the_build(house, capsys):
    write(
        house / "book/01-tiny.md",
        HEADER + "# Dies\n\n```{code-cell}\nimport os\nos._exit(1)\n```\n",
    )
    with pytest.raises(RuntimeError, match=r"The book was not built: book/01-tiny failed"):
        execute.main(house)
    assert "FAILED book/01-tiny: Kernel died" in capsys.readouterr().err


def test_an_experiment_run_twice_is_the_same_file(tmp_path):
    """No time, path, version or chance is in a committed notebook: only its results."""
    source = write(tmp_path / "try.md", EXPERIMENT)
    notebooks.run(source)
    first = (tmp_path / "try.ipynb").read_text(encoding="utf-8")
    notebooks.run(source)
    assert (tmp_path / "try.ipynb").read_text(encoding="utf-8") == first
    assert '"4"' in first
    for volatile in ("papermill", "iopub", sys.version.split()[0], str(tmp_path)):
        assert volatile not in first


def test_a_failed_experiment_leaves_the_old_notebook(tmp_path):
    source = write(tmp_path / "try.md", EXPERIMENT.replace("n**2", "n / 0"))
    old = write(tmp_path / "try.ipynb", "old")
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        notebooks.run(source)
    assert old.read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["try.ipynb", "try.md"]
