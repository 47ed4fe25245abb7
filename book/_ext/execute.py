"""Execute the chapters whose results an edit may have changed, in parallel, and keep the results.

Sphinx would execute one page after another, and would not see a change of the library. Here every
kernel has one thread, and there are as many kernels as cores. The results go into MyST-NB's own
cache: the build that follows executes nothing. Beside each result stands a fingerprint of what it
rests on and no cell of the page shows: the modules that the chapter imports, all the way down,
without their comments and docstrings; the tables and weights that it names; pins and style.
"""

import copy
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import import_module
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbformat import NotebookNode
from sphinx.util.console import strip_escape_sequences
from sphinx_external_toc.parsing import parse_toc_yaml

from .imports import MAGIC, Library, meaning

CACHE = "_build/.jupyter_cache"
STAMPS = "_build/.executed"  # one file a page, touched when its results change: Sphinx looks there
LOOKS = ("*.js", "*.css")  # of the interactive figures: a saved page holds them as texts
LONGEST = ("11", "05", "04", "08", "09")  # they start first, so that no core waits for one of them
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
READS_DOCSTRINGS = re.compile(r"\binspect\b|\bhelp\(|__doc__")
WIDGETS = "application/vnd.jupyter.widget-state+json"


def chapters(root: Path) -> dict[str, NotebookNode]:
    """The pages of the table of contents that the build executes, read as Sphinx will read them."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    parser = MdParserConfig(enable_extensions=config["parse"]["myst_enable_extensions"])
    notebooks = {}
    for name in parse_toc_yaml(root / "_toc.yml"):
        path = root / f"{name}.md"
        if any(PurePosixPath(path).match(p) for p in config["execute"]["exclude_patterns"]):
            continue
        if path.exists() and is_myst_markdown_notebook(text := path.read_text(encoding="utf-8")):
            notebooks[name] = read_myst_markdown_notebook(text, parser, path=path)
    return notebooks


class Fingerprints:
    """What each page's results rest on, besides its own cells."""

    def __init__(self, root: Path):
        self.root, self.library = root, Library(root / "geokit")
        shared = [root / "constraints.txt", root / "book/style.mplstyle"]
        self.of_all = f"{sys.version} data={'GEOKIT_DATA' in os.environ} {digest(shared)}"

    def of(self, page: str, notebook: NotebookNode) -> str:
        source = code_of(notebook)
        rules = f"geokit.check.chapter_{number(page)}"  # looked up by name
        imported = f"\nimport {rules}" if rules in self.library.files else ""
        modules = sorted(self.library.reached(MAGIC.sub("", source) + imported))
        paths = [self.library.files[module] for module in modules]
        shown = READS_DOCSTRINGS.search(source)
        parts = [self.of_all, *modules, *([digest(paths)] if shown else map(meaning, paths))]
        if "notebooks/" in source:
            folders = (self.root / "notebooks/results", self.root / "notebooks/specs")
            parts.append(digest(p for folder in folders for p in folder.rglob("*") if p.is_file()))
        words = "\n".join([source, *(path.read_text(encoding="utf-8") for path in paths)])
        assets = (self.root / "geokit/assets").glob("*.safetensors")
        parts.append(digest(path for path in assets if f'"{path.stem}"' in words))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def number(page: str) -> str:
    return page.rpartition("/")[2][:2]


def digest(paths: Iterable[Path]) -> str:
    """A hash of files and their names, in the order of the names."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path.name} {path.stat().st_size} ".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def code_of(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def cache_of(root: Path) -> JupyterCacheAbstract:
    """The cache of executed pages; several processes may read it at once."""
    return get_cache(root / CACHE)


def record_of(cache: JupyterCacheAbstract, notebook: NotebookNode) -> dict | None:
    """What the cache holds beside the notebook's results, or None if it has none."""
    try:
        return cache.match_cache_notebook(notebook).data
    except KeyError:
        return None


def enter(
    cache: JupyterCacheAbstract, root: Path, page: str, notebook: NotebookNode, about: dict
) -> None:
    """Keep an executed page, and what is to be known about it."""
    bundle = CacheBundleIn(notebook, str(root / f"{page}.md"), data=about)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    stamp = root / STAMPS / page
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(about["fingerprint"])


def waiting(root: Path) -> Iterator[tuple[str, NotebookNode, str]]:
    """The pages to execute, with their fingerprints: those that an edit may have changed."""
    cache, prints = cache_of(root), Fingerprints(root)
    for page, notebook in chapters(root).items():
        now, kept = prints.of(page, notebook), record_of(cache, notebook)
        if kept is None or kept["fingerprint"] != now:
            yield page, notebook, now


def execute(page: str, notebook: NotebookNode, root: Path) -> ExecutionResult:
    print(f"executing {page} …", flush=True)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    folder, timeout = (root / page).parent, config["execute"]["timeout"]
    return single_nb_execution(notebook, cwd=str(folder), timeout=timeout, allow_errors=False)


def main(root: Path, only: str = "") -> None:
    """Execute what an edit may have changed, or of that the pages whose names begin with `only`.

    Raises:
        RuntimeError: a page failed; its cell has been shown.
    """
    os.environ.update(ONE_THREAD)
    cache, failed, jobs = cache_of(root), [], {}
    todo = [job for job in waiting(root) if job[0].rpartition("/")[2].startswith(only)]
    todo.sort(key=lambda job: (*LONGEST, number(job[0])).index(number(job[0])))
    versions = {name: version(name) for name in ("geokit", "torch")}
    versions |= {"python": platform.python_version(), "device": platform.machine()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for page, notebook, fingerprint in todo:
            jobs[pool.submit(execute, page, notebook, root)] = page, fingerprint
        for job in as_completed(jobs):
            page, fingerprint = jobs[job]
            # a dead kernel raises here, a failing cell comes back as `err`
            if problem := job.exception() or job.result().err:
                failed.append(page)
                said = f"FAILED {page}: {problem}"
                print(
                    said if sys.stderr.isatty() else strip_escape_sequences(said), file=sys.stderr
                )
                continue
            done = job.result()
            about = {"execution_seconds": done.time, "fingerprint": fingerprint, **versions}
            enter(cache, root, page, done.nb, about)
            print(f"executing {page} … done in {done.time:.0f} s", flush=True)
    if failed:
        raise RuntimeError(
            f"The book was not built: {', '.join(sorted(failed))} failed; see the cells above."
        )
    refresh_looks(root)


def refresh_looks(root: Path) -> None:
    """Give saved figures today's scripts and styles: no cell computes with them.

    A script that asks for a new trait comes with a change of the figure's Python, and that executes
    its chapters.
    """
    now = digest(path for kind in LOOKS for path in (root / "geokit/explore").glob(kind))
    seen = root / STAMPS / "looks"
    if seen.exists() and seen.read_text() == now:
        return
    cache = cache_of(root)
    for page, notebook in chapters(root).items():
        if (about := record_of(cache, notebook)) is None:
            continue
        _, executed = cache.merge_match_into_notebook(copy.deepcopy(notebook))
        states = executed.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
        before = json.dumps(states)
        for model in states.values():
            module, _, name = model["state"].get("_anywidget_id", "").rpartition(".")
            if module.startswith("geokit."):
                figure = getattr(import_module(module), name)
                model["state"] |= {"_esm": str(figure._esm), "_css": str(figure._css)}
        if json.dumps(states) != before:
            enter(cache, root, page, executed, about)
    seen.parent.mkdir(parents=True, exist_ok=True)
    seen.write_text(now)
