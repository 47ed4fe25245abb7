"""Pictures to learn from: `load("digits")`, `load("mnist")`, `load("fashion-mnist")`, and more.

| name            | train   | test   | size    | by (licence)                                     |
|-----------------|---------|--------|---------|--------------------------------------------------|
| `digits`        | 1,347   | 450    | 1×8×8   | Alpaydin and Kaynak, UCI; comes in scikit-learn  |
| `mnist`         | 60,000  | 10,000 | 1×28×28 | LeCun, Cortes and Burges (none stated)           |
| `fashion-mnist` | 60,000  | 10,000 | 1×28×28 | Xiao, Rasul and Vollgraf, Zalando SE (MIT)       |
| `cifar-10`      | 50,000  | 10,000 | 3×32×32 | Krizhevsky (none stated)                         |
| `celeba`        | 162,770 | 19,962 | 3×64×64 | Liu, Luo, Wang and Tang (research only)          |
| `pictures`      | 8,000   | 2,000  | 1×24×24 | drawn here by a known map from two factors       |

`digits` and `pictures` need no download; of `pictures` the true distances can be computed
(`geokit.data.pictures`). Of `celeba` you bring your own copy (`geokit.data.celeba`); it has a
third split, "valid", of 19,867. The others are looked for in `$GEOKIT_DATA`, then in the cache,
then downloaded (`geokit.data.files`); `python -m geokit.data fashion-mnist` fetches them ahead of
time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from operator import index

import numpy as np
import torch
from torch import Tensor

from ..types import Float32, Int64
from . import celeba, cifar, pictures
from .files import Stored, fetch
from .idx import read_idx

__all__ = ["Images", "load"]


# no NamedTuple: its len() would be 2, the number of fields
@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images and what they show. `len(images)` is how many there are.

    Attributes:
        pixels: intensities from 0 (background) to 1, float32, `(n, channels, height, width)`.
        labels: the class of each image, int64, `(n,)`; in a set without classes, zeros.
        name: what to call them in a table: the name of the set, and where the split is not
            complete, that and how much of it there is: "cifar-10 (subset: 10000 of 50000)".
            Choosing classes does not change it.
    """

    pixels: Float32[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    name: str

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = "×".join(str(length) for length in self.pixels.shape[1:])
        classes = self.labels.unique().tolist()
        return f"Images({self.name}: {len(self)} of {size}, classes {classes})"


def load(name: str, split: str = "train", classes: Iterable | None = None) -> Images:
    """The images of one split of a named set, in the set's own order.

    Args:
        name: "digits", "mnist", "fashion-mnist", "cifar-10", "celeba" or "pictures".
        split: "train" or "test"; "celeba" has "valid" too. The digits are split once and for all,
            every class in the same proportion (scikit-learn's `train_test_split`, 450 for the
            test, seed 0); the other sets bring their own split.
        classes: integers, as in `[0, 1, 7]`: keep only these; labels keep their values. None: all.

    Returns:
        `Images`: pixels in [0, 1] and labels. Each pixel takes four bytes: all training images of
        CelebA take 8 GB.

    Raises:
        ValueError: an unknown name, split or class; a file that cannot be had, or has a wrong hash.
    """
    wanted = None if classes is None else _integers(classes)
    stored = read(name, split)
    pixels, labels = stored.pixels, stored.labels
    if wanted is not None:
        known = np.unique(labels)
        unknown = sorted(wanted.difference(known.tolist()))
        if unknown:
            raise ValueError(
                f"{name} has the classes {known.tolist()}, but classes asks for {unknown}."
            )
        keep = np.isin(labels, list(wanted))
        pixels, labels = pixels[keep], labels[keep]
    intensities = np.divide(pixels, stored.top, dtype=np.float32)
    return Images(
        torch.from_numpy(intensities),
        torch.from_numpy(labels.astype(np.int64)),
        name + subset(stored),
    )


def read(name: str, split: str) -> Stored:
    """A split as it is stored: every file checked, no pixel converted.

    Raises:
        ValueError: as `load`.
    """
    if name not in SETS:
        raise ValueError(f"There is no data set {name!r}; choose one of {', '.join(SETS)}.")
    if split not in SPLITS[name]:
        choice = " or ".join(map(repr, SPLITS[name]))
        raise ValueError(f"There is no split {split!r} in {name}; choose {choice}.")
    return SETS[name](split)


def subset(stored: Stored) -> str:
    """How to say, after a name, that these are not all images of the split; '' if they are."""
    n = len(stored.labels)
    return f" (subset: {n} of {stored.whole})" if n < stored.whole else ""


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


def _digits(split: str) -> Stored:
    from sklearn.datasets import load_digits  # late: it takes longer to load than all else
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    everything = np.arange(len(digits.target))
    train, test = train_test_split(
        everything, test_size=450, stratify=digits.target, random_state=0
    )
    chosen = np.sort(train if split == "train" else test)
    return Stored(digits.images[chosen, None], digits.target[chosen], len(chosen), top=16)


def _mnist(name: str, split: str) -> Stored:
    prefix = "train" if split == "train" else "t10k"
    paths = tuple(
        fetch(name, f"{prefix}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")
    )
    pixels, labels = read_idx(paths[0], ndim=3), read_idx(paths[1], ndim=1)
    if len(pixels) != len(labels):
        raise ValueError(
            f"{name} {split} has {len(pixels)} images but {len(labels)} labels; they must agree."
        )
    return Stored(pixels[:, None], labels, len(labels), paths)


SETS = {
    "digits": _digits,
    "mnist": partial(_mnist, "mnist"),
    "fashion-mnist": partial(_mnist, "fashion-mnist"),
    "cifar-10": cifar.read,
    "celeba": celeba.read,
    "pictures": pictures.read,
}
SPLITS = dict.fromkeys(SETS, ("train", "test")) | {"celeba": tuple(celeba.SPLITS)}
