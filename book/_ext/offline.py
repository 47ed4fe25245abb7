"""Zip the built site to take along: _build/html -> _build/geometry-of-latent-spaces.zip.

The same files give the same bytes, unlike `shutil.make_archive`: names are sorted, dates and rights
are fixed.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

NAME = "geometry-of-latent-spaces"  # of the PDF, the zip and its folder
NOT_BUILT = "There is no built book in _build/html: run `make book` first."
# what a reader without a network has no use for: environments of launchers, maps for debuggers
LEFT_OUT = ("binder/*", "files.zip", "*.map", ".nojekyll", ".buildinfo", "*.pdf", f"{NAME}.zip")


def write_zip(files: Mapping[str, Path], target: Path) -> None:
    """A zip of files under the names given; complete, or not there."""
    half = target.with_name(f".{target.name}")
    with ZipFile(half, "w") as archive:
        for name in sorted(files):
            entry = ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name].read_bytes(), ZIP_DEFLATED, 9)
    half.replace(target)


def offline_files(site: Path) -> dict[str, Path]:
    """The files of the site by their names in the zip, all in one folder."""
    inside = (path.relative_to(site) for path in site.rglob("*") if path.is_file())
    kept = [path for path in inside if not any(path.match(pattern) for pattern in LEFT_OUT)]
    return {f"{NAME}/{path.as_posix()}": site / path for path in kept}


def main(root: Path) -> str | None:
    """What is wrong, or None."""
    site, target = root / "_build/html", root / f"_build/{NAME}.zip"
    if not (site / "index.html").exists():
        return NOT_BUILT
    write_zip(offline_files(site), target)
    print(f"The book to take along is ready: {target.relative_to(root)}")


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
