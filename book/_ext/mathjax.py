"""Sphinx: MathJax from the installed wheel `sphinx-mathjax-offline`, the parts a page can ask for.

Listing the wheel as an extension would copy all of it (24 MB) into the site.
"""

from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.fileutil import copy_asset

PARTS = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2",
    "input/tex/extensions",
    "input/mml.js",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
    "sre/mathmaps/nemeth.json",
)


def copy_mathjax(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    # the wheel's module name has hyphens, so it is found and not imported
    source = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static/mathjax"
    for part in PARTS:
        target = Path(app.outdir, "_static/mathjax", part)
        copy_asset(source / part, target if (source / part).is_dir() else target.parent)


def join(app: Sphinx) -> None:
    # before the pages are written: Sphinx then stamps the address with the file's checksum
    app.connect("builder-inited", copy_mathjax)
