"""A site of a few pages, built strictly with the book's own extensions."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = ["myst_nb", "sphinx_external_toc", "sphinx_exercise", "sphinx_proof"]
CONF = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
extensions = {[*NAMES, "book._ext"]!r}
external_toc_path = "_toc.yml"
exclude_patterns = ["cache", "built"]
nb_execution_mode = "EXECUTION"
nb_execution_cache_path = "cache"
nitpicky = True
myst_enable_extensions = ["attrs_inline"]
"""


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def build(
    root: Path, out: str = "html", *, execution: str = "cache", **environment: str
) -> subprocess.CompletedProcess:
    """Build every page in `root`, in the order of their names, index.md first."""
    found = sorted(p for p in root.glob("*") if p.suffix in (".md", ".ipynb"))
    names = [p.relative_to(root).with_suffix("").as_posix() for p in found]
    lines = [f"- file: {name}" for name in names if name != "index"]
    toc = ["format: jb-book", "root: index", "options: {numbered: true}", "chapters:", *lines]
    write(root, "_toc.yml", "\n".join(toc))
    write(root, "_config.yml", "repository: {}\n")
    write(root, "conf.py", CONF.replace("EXECUTION", execution))
    words = ["-m", "sphinx", "-q", "-E", "-W", "--keep-going", ".", f"built/{out}"]
    return subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
