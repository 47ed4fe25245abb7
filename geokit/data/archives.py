"""Members of an archive by their exact names. Nothing is ever extracted to disk.

So no path in an archive matters, no link and no device; and what is read is bounded.
"""

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

PLACES = 1000  # members of a tar archive to look through; CIFAR-10's has nine


class _Bounded:
    """A stream that yields so many bytes and no more: few packed bytes may unpack to very many."""

    def __init__(self, stream: gzip.GzipFile, most: int):
        self.stream, self.left = stream, most

    def read(self, size: int) -> bytes:
        chunk = self.stream.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise ValueError("it unpacks to more than it should")
        return chunk


def read_tar(path: Path, names: Sequence[str], *, largest: int, most: int) -> list[bytes]:
    """The content of some members of a gzipped tar archive, in the order of `names`.

    Args:
        path: the archive.
        names: members, as they are called in the archive.
        largest: bytes that one of them may have.
        most: bytes that the whole archive may unpack to.

    Raises:
        ValueError: the archive is cut short, damaged or larger than it may be, or a member is
            missing or is not an ordinary file.
    """
    found = {}
    try:
        # r|: from the front to the back, once; r: would seek, and unpack again for each step back
        with (
            gzip.open(path) as packed,
            tarfile.open(fileobj=_Bounded(packed, most), mode="r|") as tar,
        ):
            for place, member in enumerate(tar):
                if place == PLACES:
                    raise ValueError(f"it has more than {PLACES} members")
                if member.name in names and member.name not in found:
                    found[member.name] = _content(tar, member, largest)
                if len(found) == len(set(names)):
                    break
    # a name in the header can nest: RecursionError
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({_reason(error)}); fetch it again.") from None
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{path} has no {missing[0]}; fetch it again.")
    return [found[name] for name in names]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, largest: int) -> bytes:
    if not member.isreg():
        raise ValueError(f"{member.name} is not an ordinary file")
    if member.size > largest:
        raise ValueError(f"{member.name} has {member.size} bytes, more than {largest}")
    return tar.extractfile(member).read()


class Zip:
    """A zip archive, opened; use it in a `with` statement.

    Raises:
        ValueError: it is cut short or damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.archive = zipfile.ZipFile(path)
        except ZIP_FAULTS as error:
            raise ValueError(f"{path} cannot be read ({_reason(error)}); get it again.") from None

    def __enter__(self) -> "Zip":
        return self

    def __exit__(self, *_: object) -> None:
        self.archive.close()

    def state(self, name: str) -> tuple[int, int] | None:
        """Size and checksum of a member as the archive's directory has them, None if absent."""
        try:
            info = self.archive.getinfo(name)
        except KeyError:
            return None
        return info.file_size, info.CRC

    def read(self, name: str, *, largest: int) -> bytes:
        """The content of a member.

        Raises:
            ValueError: it is damaged, encrypted, packed in an unusual way, or larger than it may
                be.
        """
        try:
            info = self.archive.getinfo(name)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"is packed by method {info.compress_type}")
            with self.archive.open(info) as member:
                data = member.read(largest + 1)
        except ZIP_FAULTS as error:
            raise ValueError(
                f"{name} in {self.path} cannot be read ({_reason(error)}); get it again."
            ) from None
        if len(data) > largest:
            raise ValueError(f"{name} in {self.path} has more than {largest} bytes; get it again.")
        return data


# what zipfile raises: on damage, on cut streams, and (RuntimeError) on passwords and odd methods
ZIP_FAULTS = (zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError, RuntimeError)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__
