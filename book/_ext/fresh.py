"""Sphinx: which pages are read and written again when a sound book is built after an edit."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from . import execute

PREVIEW = "GEOKIT_PREVIEW"  # in the environment: only what is executed already has results


def follow_results(app: Sphinx, page: str, source: list[str]) -> None:
    """A page is read again when its cells were executed again."""
    stamp = Path(app.srcdir, execute.STAMPS, page)
    if stamp.exists():
        app.env.note_dependency(str(stamp))


def written_again(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Every page, if what pages say of each other has changed: titles, numbers, labels, entries."""
    domains = (env.domaindata[name] for name in ("std", "py", "citation") if name in env.domaindata)
    names = (
        {page: title.astext() for page, title in env.titles.items()},
        env.toc_secnumbers,
        env.toc_fignumbers,
        env.toctree_includes,
        *({k: v for k, v in data.items() if k != "progoptions"} for data in domains),
    )
    now = hashlib.sha256(repr(names).encode()).hexdigest()
    before, env.geokit_names = getattr(env, "geokit_names", None), now
    return [] if before == now else env.found_docs


def leave_out(app: Sphinx, config: object) -> None:
    """In a preview nothing is executed by the way."""
    if os.environ.get(PREVIEW):
        root = Path(app.srcdir)
        cache, pages = execute.cache_of(root), execute.chapters(root)
        missing = [page for page, nb in pages.items() if not execute.record_of(cache, nb)]
        config.nb_execution_excludepatterns += [f"{page}.md" for page in missing]


def join(app: Sphinx) -> None:
    app.connect("config-inited", leave_out)
    app.connect("source-read", follow_results)
    app.connect("env-updated", written_again)
