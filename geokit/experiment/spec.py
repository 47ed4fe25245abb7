"""What an experiment is: a TOML file, checked word by word before anything is trained."""

import inspect
import math
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import models


@dataclass(frozen=True)
class Training:
    """How each model is trained: the arguments of `geokit.training.fit`."""

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 2e-3
    decay: bool = True
    kl_warm_up: float = 0.0
    precision: str = "float32"
    """ "float32" or "float64"; the geometry is always computed in double precision."""


@dataclass(frozen=True)
class Seeds:
    """The models: `count` of them, with the seeds `first`, `first` + 1, …"""

    first: int = 0
    count: int = 30
    together: int = 30
    """How many are trained as one stack: a unit of work."""


@dataclass(frozen=True)
class Pairs:
    """2 · `count` different images of a split, drawn with a seed, two by two; the same for every
    model."""

    count: int = 100
    seed: int = 101
    split: str = "test"


@dataclass(frozen=True)
class Geometry:
    """How distances are measured: the relative error asked for, and how many codes of training
    images make the graph from whose paths geodesics start too (0: straight starts only)."""

    tolerance: float = 1e-4
    graph: int = 1000
    members: bool = True
    """Measure each decoder of an ensemble too, not only their mean metric."""


@dataclass(frozen=True)
class Spec:
    """One experiment. `model` names a class of `geokit.models` as `kind`, or one of its layouts, as
    in "ConvVAE.fashion", and the options of either."""

    name: str
    dataset: str
    model: dict[str, Any]
    classes: list[int] | None = None
    training: Training = field(default_factory=Training)
    seeds: Seeds = field(default_factory=Seeds)
    pairs: Pairs = field(default_factory=Pairs)
    geometry: Geometry = field(default_factory=Geometry)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def all_seeds(self) -> list[int]:
        return list(range(self.seeds.first, self.seeds.first + self.seeds.count))

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """A model with fresh weights for pictures of this shape, (c, h, w); call
        `torch.manual_seed` before."""
        options = {key: value for key, value in self.model.items() if key != "kind"}
        make, pixels = _maker(self.model["kind"]), math.prod(shape)
        size = {"pixels": pixels, "shape": tuple(shape)}
        first = next(iter(inspect.signature(make).parameters))
        model = make(*[size[first]] if first in size else [], **options)
        made = model.mean(torch.zeros(1, model.latent)).shape[-1]
        if made != pixels:
            raise ValueError(
                f"{self.model['kind']} makes pictures of {made} numbers, those of {self.dataset} "
                f"have {pixels}; choose another model.kind."
            )
        return model


def read_spec(source: "Spec | Path | str | dict") -> Spec:
    """A spec from a TOML file or its contents, checked.

    Raises:
        ValueError: a file that cannot be read; an unknown key, by its name; a value of the wrong
            kind or out of range; fewer than 3 models or 2 pairs; pairs of the training split.
    """
    if isinstance(source, Spec):
        source = source.as_dict()
    if not isinstance(source, dict):
        path = Path(source)
        try:
            source = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ValueError(f"{path} cannot be read as a spec: {error}") from error
        source.setdefault("name", path.stem)
    spec = _filled(Spec, source, "")
    _check_model(spec.model)
    _check_ranges(spec)
    return spec


def _filled(kind: type, table: dict, where: str):
    """A dataclass from a table, every key and type checked."""
    known = {f.name: f for f in fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(
                f"the spec has an unknown key {where}{key}; known there: {', '.join(known)}."
            )
    values = {}
    for key, f in known.items():
        if key not in table:
            if f.default is f.default_factory:  # neither has been given: both are MISSING
                raise ValueError(f"the spec lacks {where}{key}.")
            continue
        value = table[key]
        if is_dataclass(f.type):
            if not isinstance(value, dict):
                raise ValueError(f"{where}{key} is {value!r}; it must be a table, [{key}].")
            value = _filled(f.type, value, f"{key}.")
        elif f.type is float and type(value) is int:
            value = float(value)
        elif f.type in (int, float, bool, str) and type(value) is not f.type:
            raise ValueError(f"{where}{key} is {value!r}; it must be of type {f.type.__name__}.")
        values[key] = value
    return kind(**values)


def _check_model(model: dict) -> None:
    kind = model.get("kind") if isinstance(model, dict) else None
    make = _maker(kind) if isinstance(kind, str) else None
    if make is None:
        trained = [name for name in models.__all__ if hasattr(getattr(models, name), "elbo")]
        raise ValueError(
            f"model.kind is {kind!r}; choose one of {', '.join(trained)}, or a layout of one."
        )
    known = _options(make)
    if "options" in known:  # a layout hands on what the class takes
        known = [*known[: known.index("options")], *_options(getattr(models, kind.split(".")[0]))]
    for key in model:
        if key != "kind" and key not in known:
            raise ValueError(
                f"the spec has an unknown key model.{key}; {kind} takes {', '.join(known)}."
            )


def _maker(kind: str) -> Callable[..., nn.Module] | None:
    """A class of `geokit.models` that can be trained, or one of its class methods."""
    name, _, layout = kind.partition(".")
    found = getattr(models, name, None) if name in models.__all__ else None
    if not hasattr(found, "elbo"):
        return None
    if layout and not inspect.ismethod(getattr(found, layout, None)):
        return None
    return getattr(found, layout) if layout else found


def _options(make: Callable) -> list[str]:
    return [name for name in inspect.signature(make).parameters if name not in ("pixels", "shape")]


def _check_ranges(spec: Spec) -> None:
    if not spec.name or not all(c.isalnum() or c in "-_." for c in spec.name):
        raise ValueError(
            f"the name of a spec becomes a folder; {spec.name!r} will not do: use letters, digits "
            "and hyphens."
        )
    if spec.seeds.count < 3 or spec.pairs.count < 2:
        raise ValueError(
            f"the spec asks for {spec.seeds.count} models and {spec.pairs.count} pairs; "
            "a spread needs at least 3 models and a comparison at least 2 pairs."
        )
    if spec.seeds.first < 0 or spec.seeds.together < 1:
        raise ValueError(
            f"seeds.first is {spec.seeds.first} and seeds.together {spec.seeds.together}; "
            "seeds start at 0 or above, and a stack has at least 1 model."
        )
    if spec.pairs.split == "train":
        raise ValueError(
            'pairs.split is "train": models know those images by heart; take "test" or "valid".'
        )
    if spec.training.precision not in ("float32", "float64"):
        raise ValueError(
            f'training.precision is {spec.training.precision!r}; take "float32" or "float64".'
        )
    if spec.training.epochs < 1 or spec.training.batch_size < 1:
        raise ValueError(
            f"training asks for {spec.training.epochs} epochs and batches of "
            f"{spec.training.batch_size}; each must be at least 1."
        )
    if not 0 < spec.geometry.tolerance < 1 or spec.geometry.graph < 0:
        raise ValueError(
            f"geometry.tolerance is {spec.geometry.tolerance} and geometry.graph "
            f"{spec.geometry.graph}; give a relative error between 0 and 1, and 0 or more codes."
        )
