"""Where the files of a data set come from. However one came, its sha256 is checked at each use.

A file is looked for in three places:

1. `$GEOKIT_DATA/<name>/<file>`, your own copy: read, never written, never deleted;
2. the cache, `$GEOKIT_CACHE/<name>/<file>` (by default in the user's cache folder);
3. its official address, then mirrors: downloaded beside its place in the cache, moved when whole.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

A_DAY = 24 * 60 * 60
LARGEST = 1 << 28  # bytes of one file; no set here has one of that size


class Stored(NamedTuple):
    """What the files of one split hold: `pixels` (n, c, h, w), in which `top` stands for 1."""

    pixels: np.ndarray
    labels: np.ndarray
    whole: int
    """How many images the complete split has; with fewer than that, these are a subset."""
    paths: tuple[Path, ...] = ()
    top: int = 255


@dataclass(frozen=True)
class Source:
    """The sha256 of each file, and the addresses that serve them, in the order they are tried."""

    sha256: dict[str, str]
    addresses: tuple[str, ...]


IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
MNIST = (
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FASHION_MNIST = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
SOURCES = {
    "mnist": Source(
        dict(zip(IDX_FILES, MNIST, strict=True)),
        (  # the authors' own page no longer serves the files
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "fashion-mnist": Source(
        dict(zip(IDX_FILES, FASHION_MNIST, strict=True)),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
    ),
    "cifar-10": Source(
        {
            "cifar-10-binary.tar.gz": (
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
            )
        },
        ("https://www.cs.toronto.edu/~kriz/",),
    ),
}


def fetch(name: str, file: str) -> Path:
    """The path of a checked file of the set `name`, downloaded into the cache if it is nowhere yet.

    Raises:
        ValueError: the file in `$GEOKIT_DATA` has the wrong sha256, or it cannot be had anywhere.
    """
    source = SOURCES[name]
    own = own_folder(name)
    if own and (own / file).is_file():
        found = _sha256(own / file)
        if found != source.sha256[file]:
            raise ValueError(
                f"{own / file} has the sha256 {found[:12]}…, not {source.sha256[file][:12]}…; "
                "replace it with the official file, or remove it to have that one downloaded."
            )
        return own / file

    cached = cache_folder(name) / file
    damaged = cached.is_file() and _sha256(cached) != source.sha256[file]
    if cached.is_file() and not damaged:
        return cached
    failures = _download(source, cached)
    if failures:
        yours = f"at {own / file}" if own else "in GEOKIT_DATA (not set)"
        raise ValueError(
            f"{name} needs {file}, found neither {yours} nor {'undamaged ' if damaged else ''}at "
            f"{cached}, and no address served it ({'; '.join(failures)}); go online, or put the "
            "file at one of these places."
        )
    return cached


def own_folder(name: str) -> Path | None:
    """`$GEOKIT_DATA/<name>`, None when the variable is not set."""
    return _folder("GEOKIT_DATA", name)


def cache_folder(name: str) -> Path:
    """`$GEOKIT_CACHE/<name>`, or that of the user's cache folder; it need not exist yet."""
    if named := _folder("GEOKIT_CACHE", name):
        return named
    import pooch  # optional at run time: whoever has the files in GEOKIT_DATA does without

    return Path(pooch.os_cache("geokit")) / name


def _folder(variable: str, name: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() / name if value else None


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, of this process alone, removed at the end.

    A file made there and moved up by `os.replace` is in its place as a whole or not at all, however
    many processes try at once.

    Raises:
        ValueError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        temporary = tempfile.TemporaryDirectory(prefix=".download-", dir=folder)
    except OSError as error:
        raise ValueError(
            f"The cache {folder} cannot be written ({error.strerror}); "
            "set GEOKIT_CACHE to a folder that can."
        ) from None
    with temporary as inside:
        yield Path(inside)


def _sweep(folder: Path) -> None:
    """Remove what a killed process left here, once it is too old to be still at work."""
    for left in folder.glob(".download-*"):
        with suppress(OSError):  # another process may have removed its own just now
            if time.time() - left.stat().st_mtime > A_DAY:
                shutil.rmtree(left, ignore_errors=True)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None


def _download(source: Source, target: Path) -> list[str]:
    """Try each address until `target` is there; else say, for each, why it failed."""
    import pooch

    known = f"sha256:{source.sha256[target.name]}"
    failures = []
    with workplace(target.parent) as folder:
        for address in source.addresses:
            url = address + target.name
            try:
                whole = pooch.retrieve(url, known, target.name, folder, downloader=_receive)
                os.chmod(whole, 0o644)  # pooch lets only the owner read; a class may share a cache
                os.replace(whole, target)
            except OSError as error:  # the disk's, or the network's: those derive from it too
                failures.append(f"{address}: {error.strerror or type(error).__name__}")
            except ValueError:  # pooch deletes what does not match
                failures.append(f"{address}: wrong sha256")
            else:
                return []
    return failures


def _receive(url: str, path: str, caller: object) -> None:
    """Pooch's own download, with a progress bar, of so much and no more."""
    import pooch

    with open(path, "wb") as file:
        download = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16)
        download(url, _Capped(file), caller)


class _Capped:
    """A file to write to that takes `LARGEST` bytes at most: no server fills the disk."""

    def __init__(self, file: BinaryIO):
        self.file, self.left = file, LARGEST

    def write(self, chunk: bytes) -> None:
        self.left -= len(chunk)
        if self.left < 0:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        self.file.write(chunk)

    def flush(self) -> None:
        self.file.flush()
