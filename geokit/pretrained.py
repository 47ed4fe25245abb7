"""Small decoders that come with the package: `load("digits")`, and no training to wait for.

| name              | map                 | what it is for                                         |
|-------------------|---------------------|--------------------------------------------------------|
| `digits`          | 2 → 784 (28×28)     | a VAE of handwritten digits, smooth: geodesics found   |
| `digits-jagged`   | 2 → 784 (28×28)     | the same layers, jagged on purpose: geodesics are hard |
| `random-cnn`      | 32 → 3072 (3×32×32) | convolutions with random weights: many dimensions      |
| `mnist`           | 2 → 784 (28×28)     | a VAE of all of MNIST, the codes of its test images    |
| `fashion-oddity`  | 2 → 784 (28×28)     | a VAE of T-shirts, trousers, sneakers: its σ matters   |
| `digits-ensemble` | 2 → 784 (28×28)     | one encoder, eight `decoders`: where do they differ?   |

`notebooks/decoders.md` made the first three, and measures how geodesics behave on each;
`notebooks/train-mnist.md` made `mnist`, `notebooks/oddity.md` made `fashion-oddity`, and
`notebooks/ensembles.md` made `digits-ensemble`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .models import VAE, BernoulliVAE, ConvDecoder, EnsembleVAE
from .types import Float, Float32, Int64

__all__ = ["NAMES", "Pretrained", "digit_pixels", "load", "save"]

ASSETS = Path(__file__).parent / "assets"
MAKERS = {
    "digits": lambda: VAE(784, 2, hidden=(64, 32)),
    "digits-jagged": lambda: VAE(784, 2, hidden=(64, 32)),
    "random-cnn": lambda: ConvDecoder(32),
    "mnist": lambda: BernoulliVAE(784, 2, hidden=(512,)),
    "fashion-oddity": lambda: VAE(784, 2, hidden=(64, 32)),
    "digits-ensemble": lambda: EnsembleVAE(784, 2, hidden=(64, 32)),
}
WEIGHTS = (torch.float32, torch.float16, torch.bfloat16)  # what a file may have them in
NAMES = tuple(MAKERS)
"""The decoders there are."""


@dataclass(frozen=True, eq=False, repr=False)
class Pretrained:
    """A model and its codes.

    Attributes:
        model: in eval mode, float32, without gradients; `model.mean` is the map z ↦ x. For geometry
            in double precision call `model.double()` and `codes.double()`.
        codes: latent points, float32, `(n, d)`. Of the digits' models: the 1,347 training
            digits of `geokit.data`, then its 450 test digits. Of `mnist`: its 10,000 test images.
            Of `fashion-oddity`: every fifth of the 18,000 training images of classes 0, 1 and 7. Of
            the CNN: a sample of N(0, I).
        labels: the class of each code, int64, `(n,)`; None where there are no classes.
        about: how it was made, from what, and the figures it had then.
    """

    model: nn.Module
    codes: Float32[Tensor, "n d"]
    labels: Int64[Tensor, " n"] | None
    about: dict

    def __repr__(self) -> str:
        n, d = self.codes.shape
        return f"Pretrained({self.about['name']!r}, {n} codes of dimension {d})"


def load(name: str, folder: Path | str = ASSETS) -> Pretrained:
    """A decoder by its name, with its codes; every call gives a model of its own.

    Args:
        name: one of `NAMES`.
        folder: where its file is, if not in the package.

    Raises:
        ValueError: an unknown name; a file that is missing, damaged or holds another model, one
            whose tensors are not the model's in name, shape and type, or are not finite.
    """
    if name not in MAKERS:
        raise ValueError(f"There is no pretrained {name!r}; choose one of {', '.join(NAMES)}.")
    path = Path(folder) / f"{name}.safetensors"
    model = MAKERS[name]().float()  # whatever the default dtype is
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "null"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if not isinstance(about, dict) or about.get("name") != name:
            raise ValueError(f"what it says about itself does not name {name!r}")
        if fault := _fault(model, tensors):
            raise ValueError(fault)
    except (OSError, SafetensorError, RecursionError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".:")
        raise ValueError(
            f"{path.name} cannot be read as the pretrained {name!r} ({reason}); "
            "install geokit again, or write the file anew with the notebook that made it."
        ) from error
    codes, labels = tensors.pop("codes"), tensors.pop("labels", None)
    model.load_state_dict({key.removeprefix("model."): value for key, value in tensors.items()})
    return Pretrained(model.eval().requires_grad_(False), codes, labels, about)


def _fault(model: nn.Module, tensors: dict[str, Tensor]) -> str | None:
    """How a file's tensors are not those of the model, by their names; None if they are."""
    shapes = {f"model.{key}": value.shape for key, value in model.state_dict().items()}
    if missing := sorted({*shapes, "codes"} - tensors.keys()):
        return f"it lacks {', '.join(missing)}"
    if extra := sorted(tensors.keys() - {*shapes, "codes", "labels"}):
        return f"it has {', '.join(extra)} too, which the model has not"
    codes, labels = tensors["codes"], tensors.get("labels")
    if codes.ndim != 2 or codes.dtype != torch.float32:
        return f"codes are {_kind(codes)}, not float32 with two axes"
    if labels is not None and (labels.dtype, labels.shape) != (torch.int64, codes.shape[:1]):
        return f"labels are {_kind(labels)}, not int64 ({len(codes)},) as there are codes"
    for key, shape in shapes.items():
        if tensors[key].shape != shape or tensors[key].dtype not in WEIGHTS:
            return f"{key} is {_kind(tensors[key])}, not floating point {tuple(shape)}"
    for key, value in tensors.items():
        if not value.isfinite().all():
            return f"{key} holds NaN or infinity"
    try:
        model.mean(codes[:1])
    except RuntimeError:
        return f"codes have {codes.shape[1]} coordinates, which the model does not take"
    return None


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def save(
    name: str,
    model: nn.Module,
    codes: Float[Tensor, "n d"],
    labels: Int64[Tensor, " n"] | None,
    about: dict,
    folder: Path | str = ASSETS,
    *,
    dtype: torch.dtype = torch.float32,
) -> Path:
    """Write a decoder so that `load` finds it; weights are rounded to `dtype`, codes to float32.

    `about` may hold whatever JSON can; the name is added. The file is replaced as a whole.

    Raises:
        ValueError: an unknown name.
    """
    if name not in MAKERS:
        raise ValueError(f"There is no pretrained {name!r}; choose one of {', '.join(NAMES)}.")
    tensors = {f"model.{key}": value.to(dtype) for key, value in model.state_dict().items()}
    tensors["codes"] = codes.float()
    if labels is not None:
        tensors["labels"] = labels
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    # one entry: safetensors writes several in an order of its own
    metadata = {"about": json.dumps({"name": name, **about}, ensure_ascii=False)}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draft, path = folder / f".{name}.part", folder / f"{name}.safetensors"
    save_file(tensors, draft, metadata=metadata)
    draft.chmod(0o644)
    return draft.replace(path)


def digit_pixels(pixels: Float[Tensor, "n 1 8 8"]) -> Float[Tensor, "n 784"]:
    """The 8×8 digits of `geokit.data` as these models know them: enlarged to 28×28 and flattened.

    Bilinear; what is aligned is the outer edge of the pictures (`align_corners=False`).
    """
    return nn.functional.interpolate(pixels, size=(28, 28), mode="bilinear").flatten(1)
