"""Pictures to learn from: `load("digits")`, `load("mnist")`, `load("fashion-mnist")`.

| name            | train  | test   | size    | by (licence)                                     |
|-----------------|--------|--------|---------|--------------------------------------------------|
| `digits`        | 1,347  | 450    | 1×8×8   | Alpaydin and Kaynak, UCI; comes in scikit-learn  |
| `mnist`         | 60,000 | 10,000 | 1×28×28 | LeCun, Cortes and Burges (none stated)           |
| `fashion-mnist` | 60,000 | 10,000 | 1×28×28 | Xiao, Rasul and Vollgraf, Zalando SE (MIT)       |

`digits` needs no download. The others are looked for in `$GEOKIT_DATA`, then in the cache, then
downloaded (`geokit.data.files`); `python -m geokit.data fashion-mnist` fetches them ahead of time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from operator import index

import numpy as np
import torch
from jaxtyping import Float32, Int64
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

from .files import fetch
from .idx import read_idx

__all__ = ["Images", "load"]


# no NamedTuple: its len() would be 2, the number of fields
@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images and what they show. `len(images)` is how many there are.

    Attributes:
        pixels: intensities from 0 (background) to 1, float32, `(n, channels, height, width)`.
        labels: the class of each image, int64, `(n,)`.
    """

    pixels: Float32[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = "×".join(str(length) for length in self.pixels.shape[1:])
        return f"Images({len(self)} of {size}, classes {self.labels.unique().tolist()})"


def load(name: str, split: str = "train", classes: Iterable | None = None) -> Images:
    """The images of one split of a named set, in the set's own order.

    Args:
        name: "digits", "mnist" or "fashion-mnist".
        split: "train" or "test". MNIST and Fashion-MNIST bring their own split. The digits are
            split once and for all, every class in the same proportion (scikit-learn's
            `train_test_split`, 450 for the test, seed 0).
        classes: integers, as in `[0, 1, 7]`: keep only these; labels keep their values. None: all.

    Returns:
        `Images`: pixels in [0, 1] and labels.

    Raises:
        ValueError: an unknown name, split or class; a file that cannot be had, or has a wrong hash.
    """
    if name not in SETS:
        raise ValueError(f"There is no data set {name!r}; choose one of {', '.join(SETS)}.")
    if split not in ("train", "test"):
        raise ValueError(f"There is no split {split!r} in {name}; choose 'train' or 'test'.")
    wanted = None if classes is None else _integers(classes)

    pixels, top, labels = SETS[name](split)
    if wanted is not None:
        known = np.unique(labels)
        unknown = sorted(wanted.difference(known.tolist()))
        if unknown:
            raise ValueError(
                f"{name} has the classes {known.tolist()}, but classes asks for {unknown}."
            )
        keep = np.isin(labels, list(wanted))
        pixels, labels = pixels[keep], labels[keep]
    intensities = np.divide(pixels, top, dtype=np.float32)
    return Images(torch.from_numpy(intensities), torch.from_numpy(labels.astype(np.int64)))


def _integers(classes) -> set[int]:
    try:
        wanted = {index(label) for label in classes}
    except TypeError:
        raise ValueError(
            f"classes must be a list of integers like [0, 1, 7], not {classes!r}."
        ) from None
    if not wanted:
        raise ValueError(
            "classes is empty; name at least one class, or pass None to keep all of them."
        )
    return wanted


# Each reader gives stored pixels (n, c, h, w), the value that stands for 1, the labels (n,).


def _digits(split: str) -> tuple[np.ndarray, int, np.ndarray]:
    digits = load_digits()
    everything = np.arange(len(digits.target))
    train, test = train_test_split(
        everything, test_size=450, stratify=digits.target, random_state=0
    )
    chosen = np.sort(train if split == "train" else test)
    return digits.images[chosen, None], 16, digits.target[chosen]


def _mnist(name: str, split: str) -> tuple[np.ndarray, int, np.ndarray]:
    prefix = "train" if split == "train" else "t10k"
    pixels = read_idx(fetch(name, f"{prefix}-images-idx3-ubyte.gz"), ndim=3)
    labels = read_idx(fetch(name, f"{prefix}-labels-idx1-ubyte.gz"), ndim=1)
    if len(pixels) != len(labels):
        raise ValueError(
            f"{name} {split} has {len(pixels)} images but {len(labels)} labels; they must agree."
        )
    return pixels[:, None], 255, labels


SETS = {
    "digits": _digits,
    "mnist": partial(_mnist, "mnist"),
    "fashion-mnist": partial(_mnist, "fashion-mnist"),
}
