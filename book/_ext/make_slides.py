"""Cut the built book into slides: `make slides`, after `make book`.

python book/_ext/make_slides.py [FOLDER OF THE BUILT BOOK] [FOLDER FOR THE DECKS]
"""

import sys
from pathlib import Path

from .slides.write import write_decks


def main(book: Path = Path("_build/html"), out: Path = Path("_build/slides")) -> int:
    try:
        write_decks(book, out)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The slides are ready: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
