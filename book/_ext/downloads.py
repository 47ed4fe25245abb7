"""Write each page's notebook beside it in the built site, for its download button."""

import sys
from pathlib import Path

from editions.build import notebooks


def main(root: Path) -> None:
    site = root / "_build/html"
    for page, text in notebooks(root, site):
        (site / f"{page}.ipynb").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
