"""What the book adds to Sphinx, and the commands of `make`: `python -m book._ext.COMMAND`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """The one entry for Sphinx; each room of the house says what it does in its own docstring."""
    # imported here: the commands need Docutils and the rest of Sphinx only where they build pages
    from . import (
        accessible,
        api,
        back_matter,
        book_numbers,
        fresh,
        links,
        mathjax,
        plans,
        provenance,
    )
    from .editions import atlas

    rooms = (
        accessible,
        api,
        atlas,
        back_matter,
        book_numbers,
        fresh,
        links,
        mathjax,
        plans,
        provenance,
    )
    for room in rooms:
        room.join(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
