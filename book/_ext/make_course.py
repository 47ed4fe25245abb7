"""Build the reader's, student's and instructor's editions: `make course [COURSE=course.toml]`."""

import sys
from pathlib import Path

from .editions import build, course, source


def main(root: Path, names: list[str]) -> int:
    try:
        book = source.read_book(root)
        datasets = [path.stem for path in sorted((root / "notebooks/specs").glob("*.toml"))]
        chosen = course.read(Path(names[0]), book, datasets) if names else course.whole(book)
        build.build(root, chosen, book, root / "_build/course")
    except (ValueError, RuntimeError) as error:  # a fault of the sources, a cell that fails
        print(error, file=sys.stderr)
        return 1
    print("The course is ready: _build/course/{reader,student,instructor}, _build/course/nbgrader")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), sys.argv[1:]))
