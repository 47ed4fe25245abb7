"""Write each page's notebook beside it in the built site, for its download button."""

import sys
from pathlib import Path

from .editions.build import notebooks


def main(root: Path) -> str | None:
    """What is wrong with a page that cannot be a notebook, or None."""
    site = root / "_build/html"
    try:
        for page, text in notebooks(root, site):
            (site / f"{page}.ipynb").write_text(text, encoding="utf-8")
    except ValueError as fault:
        return str(fault)


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
