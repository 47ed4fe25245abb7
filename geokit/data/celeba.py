"""CelebA from your own copy: faces, cut out and made small, once.

Its terms forbid passing it on, so nothing is downloaded. The official layout is expected in
`$GEOKIT_DATA/celeba`: `list_eval_partition.txt`, and the folder `img_align_celeba` or the archive
`img_align_celeba.zip`. Each 178×218 picture is cut to the 148×148 at its centre and reduced to
64×64 by Pillow's bilinear filter, which averages over all pixels that fall into one (antialiased):
the steps `CenterCrop(148)`, `Resize(64)` of torchvision on Pillow images.

What comes out is kept in the cache, one file a split, for you alone. It is made anew when a picture
or the list has changed: the file remembers sizes and times (in an archive: sizes and checksums).

Source: Liu, Luo, Wang and Tang (2015), "Deep learning face attributes in the wild".
"""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..progress import progress
from .archives import Zip
from .files import Stored, cache_folder, own_folder, workplace

PARTITION = "list_eval_partition.txt"
IMAGES = "img_align_celeba"
SPLITS = {"train": 162_770, "valid": 19_867, "test": 19_962}  # the list names them 0, 1, 2
OFFICIAL = (178, 218)  # width, height
CENTRE = (15, 35, 163, 183)  # the 148×148 in the middle: left, upper, right, lower
SIDE = 64
LINE = re.compile(rb"(\d{6}\.jpg)[ \t]+([012])[ \t]*")
LONGEST = 1 << 24  # bytes of the list; the official one has 2.8 million
LARGEST = 1 << 20  # bytes of one picture; the official ones have some ten thousand


def read(split: str) -> Stored:
    """The faces of "train", "valid" or "test", 3×64×64; every label is 0, for there are no classes.

    Raises:
        ValueError: there is no copy, or the list or a picture is missing or damaged.
    """
    own = own_folder("celeba")
    if own is None or not (own / PARTITION).is_file():
        yours = f"in {own}" if own else "in GEOKIT_DATA/celeba (GEOKIT_DATA is not set)"
        raise ValueError(
            f"celeba cannot be downloaded for you, and there is no {PARTITION} {yours}; "
            f"get your own copy and put it there with {IMAGES}.zip or the folder {IMAGES}."
        )
    names = partition(own / PARTITION)[split]
    if not names:
        raise ValueError(f"{own / PARTITION} names no picture of the split {split!r}.")
    with ExitStack() as stack:
        if (own / IMAGES).is_dir():
            state, content = _in_folder(own / IMAGES)
        elif (own / f"{IMAGES}.zip").is_file():
            state, content = _in_zip(stack.enter_context(Zip(own / f"{IMAGES}.zip")))
        else:
            raise ValueError(
                f"{own} has neither the folder {IMAGES} nor {IMAGES}.zip; put one there."
            )
        source = _fingerprint(own, names, state)
        kept = cache_folder("celeba") / f"{split}-{SIDE}x{SIDE}.safetensors"
        pixels = _kept(kept, source, len(names))
        if pixels is None:
            pixels = np.empty((len(names), 3, SIDE, SIDE), np.uint8)
            named = progress(names, unit="face", label=f"celeba {split}")
            for place, name in zip(pixels, named, strict=True):
                place[:] = face(content(name), name)
            _keep(kept, source, pixels)
    labels = np.zeros(len(names), np.uint8)
    return Stored(pixels, labels, SPLITS[split], (kept,))


def partition(path: Path) -> dict[str, list[str]]:
    """The names of the pictures of each split, in the order of the list.

    Raises:
        ValueError: the list is too long, has another kind of line, or names a picture twice.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    if len(text) > LONGEST:
        raise ValueError(
            f"{path} has more than {LONGEST} bytes; replace it with the official list."
        )
    split_of = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = LINE.fullmatch(line)
        if not fields or fields[1] in split_of:
            fault = "names a picture again" if fields else "is not a picture and 0, 1 or 2"
            raise ValueError(f"line {number} of {path} {fault}; replace it with the official list.")
        split_of[fields[1]] = int(fields[2])
    return {
        split: [name.decode() for name, number in split_of.items() if number == wanted]
        for wanted, split in enumerate(SPLITS)
    }


def face(picture: bytes, name: str) -> np.ndarray:
    """The small face, uint8 (3, 64, 64), from the bytes of an official picture.

    Raises:
        ValueError: the picture is not a whole JPEG of the official size.
    """
    from PIL import Image

    damaged = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        # the size is known before anything is unpacked
        with Image.open(BytesIO(picture), formats=["JPEG"]) as image:
            if image.size != OFFICIAL:
                raise ValueError(f"it is {image.size[0]}×{image.size[1]}, not 178×218")
            small = image.convert("RGB").crop(CENTRE)
    except (OSError, ValueError, SyntaxError, *damaged) as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"the picture {name} cannot be used ({reason}); get it again.") from None
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


State = Callable[[str], tuple[int, int] | None]  # by a picture's name: what changes when it does
Content = Callable[[str], bytes]


def _in_folder(folder: Path) -> tuple[State, Content]:
    def state(name: str) -> tuple[int, int] | None:
        try:
            found = os.stat(folder / name)
        except FileNotFoundError:
            return None
        return found.st_size, found.st_mtime_ns

    def content(name: str) -> bytes:
        try:
            with open(folder / name, "rb") as file:
                return file.read(LARGEST)  # what is longer will be found cut short
        except OSError as error:
            raise ValueError(f"{folder / name} cannot be read: {error.strerror}.") from None

    return state, content


def _in_zip(archive: Zip) -> tuple[State, Content]:
    def state(name: str) -> tuple[int, int] | None:
        return archive.state(f"{IMAGES}/{name}")

    def content(name: str) -> bytes:
        return archive.read(f"{IMAGES}/{name}", largest=LARGEST)

    return state, content


def _fingerprint(own: Path, names: list[str], state: State) -> str:
    """A hash that changes when the pictures, their order or the way they are made small changes."""
    states = {name: state(name) for name in names}
    if missing := [name for name, found in states.items() if found is None]:
        raise ValueError(
            f"{len(missing)} of {len(names)} pictures named in {own / PARTITION} are missing, "
            f"the first is {missing[0]}; complete {IMAGES}, or leave them out of the list."
        )
    recipe = ("Pillow", CENTRE, SIDE, "bilinear")
    return hashlib.sha256(repr((recipe, states)).encode()).hexdigest()


def _kept(path: Path, source: str, n: int) -> np.ndarray | None:
    """What an earlier call made of the same pictures, None if there is no such file undamaged."""
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            pixels = file.get_tensor("pixels") if about.get("source") == source else None
    except (OSError, SafetensorError):
        return None
    sound = (
        pixels is not None
        and (pixels.dtype, pixels.shape) == (np.uint8, (n, 3, SIDE, SIDE))
        and hashlib.sha256(pixels).hexdigest() == about.get("sha256")
    )
    return pixels if sound else None


def _keep(path: Path, source: str, pixels: np.ndarray) -> None:
    about = {"source": source, "sha256": hashlib.sha256(pixels).hexdigest()}
    with workplace(path.parent) as folder:
        try:
            save_file({"pixels": pixels}, folder / path.name, metadata=about)
            (folder / path.name).chmod(0o600)  # the terms: this copy is yours alone
            os.replace(folder / path.name, path)
        except (OSError, SafetensorError) as error:
            reason = str(error).rstrip(".")
            raise ValueError(
                f"{path} cannot be written ({reason}); set GEOKIT_CACHE to a folder that can."
            ) from None
