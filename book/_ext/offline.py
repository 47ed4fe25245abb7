"""Zip the built site to take along: _build/html -> _build/geometry-of-latent-spaces.zip.

The same files give the same bytes: names are sorted, dates and rights are fixed.
"""

import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from .published import NAME

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
# what a reader without a network has no use for: environments of launchers, maps for debuggers
LEFT_OUT = ("binder/*", "files.zip", "*.map", ".nojekyll", ".buildinfo", "*.pdf", f"{NAME}.zip")


def write_zip(files: Mapping[str, Path], target: Path) -> None:
    """A zip of files under the names given; complete, or not there."""
    half = target.with_name(f".{target.name}")
    with zipfile.ZipFile(half, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[name].read_bytes(), compresslevel=9)
    half.replace(target)


def offline_files(site: Path) -> dict[str, Path]:
    """The files of the site by their names in the zip, all in one folder."""
    inside = (path.relative_to(site) for path in site.rglob("*") if path.is_file())
    kept = [path for path in inside if not any(path.match(pattern) for pattern in LEFT_OUT)]
    return {f"{NAME}/{path.as_posix()}": site / path for path in kept}


def main(root: Path) -> int:
    site, target = root / "_build/html", root / f"_build/{NAME}.zip"
    if not (site / "index.html").exists():
        print("There is no built book in _build/html: run `make book` first.", file=sys.stderr)
        return 1
    write_zip(offline_files(site), target)
    print(f"The book to take along is ready: {target.relative_to(root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
