"""Execute the chapters in parallel and keep their results where the build looks for them.

Sphinx would execute one page after another. Here every kernel has one thread, and there are as
many kernels as cores. The results go into MyST-NB's own cache: the build that follows executes
nothing.
"""

import hashlib
import os
import platform
import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbformat import NotebookNode
from sphinx_external_toc.parsing import parse_toc_yaml

from .editions import source

CACHE = "_build/.jupyter_cache"
DEPENDENCIES = ("geokit", "notebooks/results", "book/style.mplstyle", "constraints.txt")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
ANSI_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def chapters(root: Path, config: dict) -> dict[str, NotebookNode]:
    """The pages of the table of contents that the build executes, read as Sphinx will read them."""
    parser = MdParserConfig(enable_extensions=config["parse"]["myst_enable_extensions"])
    notebooks = {}
    for name in parse_toc_yaml(root / "_toc.yml"):
        path = root / f"{name}.md"
        if any(PurePosixPath(path).match(p) for p in config["execute"]["exclude_patterns"]):
            continue
        if path.exists() and is_myst_markdown_notebook(text := path.read_text(encoding="utf-8")):
            notebooks[name] = read_myst_markdown_notebook(text, parser, path=path)
    return notebooks


def dependency_files(root: Path) -> Iterator[Path]:
    for name in DEPENDENCIES:
        inside = [root / name] if (root / name).is_file() else (root / name).rglob("*")
        yield from sorted(p for p in inside if p.is_file() and "__pycache__" not in p.parts)


def fingerprint(root: Path) -> str:
    """A hash of what every result depends on and no cell shows: library, results, pins, Python."""
    digest = hashlib.sha256(f"{sys.version} data={'GEOKIT_DATA' in os.environ}".encode())
    for path in dependency_files(root):
        digest.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_of(root: Path) -> JupyterCacheAbstract:
    """The cache of executed pages as it is; several processes may read it at once."""
    return get_cache(root / CACHE)


def valid_cache(root: Path) -> JupyterCacheAbstract:
    """The cache of executed pages, emptied if it was filled under another fingerprint."""
    folder = root / CACHE
    stamp, now = folder / "fingerprint", fingerprint(root)
    if folder.exists() and (not stamp.exists() or stamp.read_text() != now):
        get_cache(folder).clear_cache()
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(now)
    return cache_of(root)


def is_cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def execute(name: str, notebook: NotebookNode, folder: Path, timeout: int) -> ExecutionResult:
    print(f"executing {name} …", flush=True)
    return single_nb_execution(notebook, cwd=str(folder), timeout=timeout, allow_errors=False)


def where() -> dict[str, str]:
    """What the status page tells of an execution besides its time and date."""
    versions = {name: version(name) for name in ("geokit", "torch")}
    return versions | {"python": platform.python_version(), "device": platform.machine()}


def report(message: str) -> None:
    print(message if sys.stderr.isatty() else ANSI_COLOURS.sub("", message), file=sys.stderr)


def main(root: Path) -> int:
    """Execute what is not cached; 1 if any page failed."""
    os.environ.update(ONE_THREAD)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    timeout = config["execute"]["timeout"]
    cache = valid_cache(root)
    waiting = {n: nb for n, nb in chapters(root, config).items() if not is_cached(cache, nb)}
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            pool.submit(execute, name, notebook, (root / name).parent, timeout): name
            for name, notebook in waiting.items()
        }
        for job in as_completed(jobs):
            name = jobs[job]
            # a dead kernel raises here, a failing cell comes back as `err`
            problem = job.exception() or job.result().err
            if problem:
                failed.append(name)
                report(f"FAILED {name}: {problem}")
                continue
            result = job.result()
            data = {"execution_seconds": result.time, **where()}
            bundle = CacheBundleIn(result.nb, str(root / f"{name}.md"), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"executing {name} … done in {result.time:.0f} s", flush=True)
    if failed:
        report(f"The book was not built: {', '.join(sorted(failed))} failed; see the cells above.")
    return 1 if failed else 0


if __name__ == "__main__":
    # Ctrl-C waits for no running page: a kernel ends itself when its parent is gone
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        source.read_book(Path.cwd())
    except source.SourceError as error:
        sys.exit(str(error))
    sys.exit(main(Path.cwd()))
