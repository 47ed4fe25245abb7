"""IDX, the file format of the MNIST family.

Two zero bytes, one for the type of the elements, one for the number of axes; the size of each axis
as four bytes, big end first; then the elements, last axis fastest. The files are gzipped.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 0x08
CHUNK = 1 << 20
LARGEST = 1 << 30  # bytes: sixteen times the largest set here
EXPANSION = 1032  # deflate's limit: a run of 258 bytes costs at least 2 bits


def read_idx(path: str | Path, *, ndim: int) -> np.ndarray:
    """The array in a gzipped IDX file of unsigned bytes.

    A damaged or hostile file costs little: what the header promises is first held against what the
    compressed bytes could yield and against 1 GiB, and no more than the promise is ever unpacked.

    Args:
        path: the file.
        ndim: the number of axes it must have (3 for grey images, 1 for labels).

    Returns:
        uint8, of the shape that the header states.

    Raises:
        ValueError: the file is not gzip, is cut short or damaged, is not IDX, has other elements or
            axes, or holds more or fewer bytes than its header says.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", file formats.
    """
    path = Path(path)
    try:
        most = min(LARGEST, EXPANSION * path.stat().st_size)
        with gzip.open(path) as file:
            return _elements(file, _header(file, ndim, most))
    except EOFError:
        raise ValueError(f"{path} is cut short inside its gzip stream; fetch it again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a sound gzip file ({error}); fetch it again.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # below, sentences start after the path
        raise ValueError(f"{path} {error}; fetch it again.") from None


def _header(file: gzip.GzipFile, ndim: int, most: int) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(f"is not an IDX file: it starts with '{magic.hex(' ')}', not with '00 00'")
    if magic[2] != UNSIGNED_BYTE:
        raise ValueError(f"has IDX elements of type 0x{magic[2]:02x}, not unsigned bytes (0x08)")
    if magic[3] != ndim:
        raise ValueError(f"has {magic[3]} axes where {ndim} are needed")
    stored = file.read(4 * ndim)
    if len(stored) < 4 * ndim:
        raise ValueError(f"ends inside its IDX header, which needs {4 + 4 * ndim} bytes")
    sizes = struct.unpack(f">{ndim}I", stored)
    if math.prod(sizes) > most:
        raise ValueError(f"promises {_amount(sizes)}, but may unpack to {most} at most")
    return sizes


def _elements(file: gzip.GzipFile, sizes: tuple[int, ...]) -> np.ndarray:
    promised = math.prod(sizes)
    data = bytearray()
    # by chunks, because one read allocates all it asks for; one byte more, to see what is too much
    while chunk := file.read(min(CHUNK, promised + 1 - len(data))):
        data += chunk
    if len(data) != promised:
        held = "more" if len(data) > promised else f"only {len(data)}"
        raise ValueError(f"promises {_amount(sizes)}, but holds {held}")
    return np.frombuffer(data, dtype=np.uint8).reshape(sizes)


def _amount(sizes: tuple[int, ...]) -> str:
    return f"{math.prod(sizes)} bytes (sizes {' × '.join(map(str, sizes))})"
