"""What the book adds to Sphinx, and the commands of `make`: `python -m book._ext.COMMAND`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOMS = (
    *("accessible", "api", "book_numbers", "editions.atlas", "fresh"),
    *("listings", "mathjax", "plans", "provenance", "published"),
)


def setup(app: Sphinx) -> dict:
    """The one entry for Sphinx; each room of the house says what it does in its own docstring."""
    for room in ROOMS:  # by name: the commands need what these import only where they build pages
        import_module(f"{__name__}.{room}").join(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
