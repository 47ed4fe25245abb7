"""CIFAR-10's binary version: batches of 10,000 records, each a label byte and 3×32×32 pixel bytes.

Red comes first, then green, then blue; each plane row by row. Your own copy may be the archive or
the folder that it unpacks to. Of that folder some batches are enough: what is read then calls
itself a subset.

Source: Krizhevsky (2009), "Learning multiple layers of features from tiny images", and the
description of the binary version that comes with the files.
"""

import hashlib
from pathlib import Path

import numpy as np

from .archives import read_tar
from .files import Stored, fetch, own_folder

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
MD5 = {
    "train": {
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    },
    "test": {"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"},
}
IN_A_BATCH = 10_000
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # bytes
BATCH = IN_A_BATCH * RECORD  # bytes
UNPACKED = 6 * BATCH + (1 << 20)  # bytes: two small texts and the archive's own headers come on top


def read(split: str) -> Stored:
    """The batches of "train" or "test": your own unpacked ones, or those in the archive.

    Raises:
        ValueError: a batch or the archive is damaged, or cannot be had.
    """
    md5, own = MD5[split], own_folder("cifar-10")
    paths = () if own is None else tuple(path for b in md5 if (path := own / FOLDER / b).is_file())
    if paths and not (own / ARCHIVE).is_file():
        place, batches = own / FOLDER, {path.name: _content(path) for path in paths}
    else:
        place = _archive(own, split)
        names = [f"{FOLDER}/{batch}" for batch in md5]
        paths, contents = (place,), read_tar(place, names, largest=BATCH, most=UNPACKED)
        batches = dict(zip(md5, contents, strict=True))

    pixels, labels = [], []
    for batch, data in batches.items():
        found = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if found != md5[batch]:
            raise ValueError(
                f"{batch} in {place} has the md5 {found[:12]}…, not {md5[batch][:12]}…; "
                "replace it with the official file."
            )
        for part, read_part in zip((pixels, labels), records(data, batch), strict=True):
            part.append(read_part)
    return Stored(np.concatenate(pixels), np.concatenate(labels), len(md5) * IN_A_BATCH, paths)


def records(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The pixels (n, 3, 32, 32) and labels (n,) of a batch, uint8.

    Raises:
        ValueError: no whole number of records, none at all, or a label above 9.
    """
    if not data or len(data) % RECORD:
        raise ValueError(
            f"{name} has {len(data)} bytes, which is no number of records of {RECORD} bytes; "
            "fetch it again."
        )
    table = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    labels, pixels = table[:, 0], table[:, 1:].reshape(-1, *SHAPE)
    if labels.max() > 9:
        raise ValueError(f"{name} has the label {labels.max()}, above 9; fetch it again.")
    return pixels, labels


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BATCH + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > BATCH:
        raise ValueError(f"{path} has more than {BATCH} bytes; replace it with the official file.")
    return data


def _archive(own: Path | None, split: str) -> Path:
    try:
        return fetch("cifar-10", ARCHIVE)
    except ValueError as error:
        if own is None or not (own / FOLDER).is_dir():
            raise
        lacking = ", ".join(MD5[split])
        raise ValueError(f"{own / FOLDER} has none of {lacking}, and {error}") from None
