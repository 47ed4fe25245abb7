"""Several decoders of one latent plane: a bundle of geodesics, and that of their mean metric."""

from collections.abc import Iterable

import torch
import traitlets
from torch import Tensor, nn

from .. import data, pretrained
from ..models import MLP
from ..types import Float, Int
from .decoder import packed
from .figure import module, require_between
from .latent import Point, TwoEnds, around, latent_dimension, named, quarters

A, B = (-1.5, -1.5), (1.5, 1.2)
FEATURES, RIDGE = 32, 1.0  # of the members that are fitted here


class EnsembleBundle(TwoEnds):
    """The geodesics from `a` to `b` of several decoders of one latent plane, that of the mean of
    their metrics, and all their lengths.

    Args:
        decoders: each an `MLP` of two latent coordinates, such as the `decoders` of an
            `EnsembleVAE`; all of one D. None: the 16 of `fitted_decoders`, with the codes of the
            digits and their labels if you give none.
        codes: latent points to show, `(n, 2)`; the figure shows the square around them, and
            [−3, 3]² if there are none.
        labels: the class of each code, `(n,)`.
        members: S, how many of the decoders are in use, from 1; all of them by default.
        a, b: the ends, in latent units.

    Raises:
        ValueError: no decoders, decoders that a page cannot compute, not of two coordinates or of
            different D; more members than decoders; codes that are no points of the plane, or not
            as many as labels; an end outside the square.
    """

    _esm = module("bundle.js", "decoder.js", "chords.js", "latent.js")
    members = traitlets.Int(1).tag(sync=True)
    layers = traitlets.List(read_only=True).tag(sync=True)
    sizes = traitlets.List(read_only=True).tag(sync=True)
    weights = traitlets.Bytes(read_only=True).tag(sync=True)

    def __init__(
        self,
        decoders: Iterable[nn.Module] | None = None,
        codes: Float[Tensor, "n d"] | None = None,
        labels: Int[Tensor, " k"] | None = None,
        *,
        members: int | None = None,
        a: Point | None = None,
        b: Point | None = None,
    ):
        if decoders is None:
            decoders = fitted_decoders()
            a, b = A if a is None else a, B if b is None else b
            if codes is None:
                digits = pretrained.load("digits")
                codes, labels = digits.codes, digits.labels
        one = isinstance(decoders, nn.Sequential)  # would be taken apart into its layers
        each = [] if one else [packed(decode) for decode in decoders]
        if not each:
            raise ValueError("An ensemble is a list of one or more decoders; give [f_1, f_2, …].")
        for layers, _ in each:
            if (d := latent_dimension(layers)) != 2:
                raise ValueError(f"A decoder has {d} latent coordinates; this figure draws 2.")
        wide = {[layer[1] for layer in layers if isinstance(layer, list)][-1] for layers, _ in each}
        if len(wide) > 1:
            raise ValueError(f"The decoders have {sorted(wide)} pixels; all must have as many.")
        self._show(
            box=around(codes),
            codes=named(codes, labels),
            layers=[layers for layers, _ in each],
            sizes=[len(weights) for _, weights in each],
            weights=b"".join(weights for _, weights in each),
        )
        left, right = quarters(self.box)
        super().__init__(
            members=len(each) if members is None else members,
            a=left if a is None else a,
            b=right if b is None else b,
        )

    @traitlets.default("label")
    def _label(self) -> str:
        return "Bundle of geodesics: several decoders of one latent plane, and their mean metric"

    @traitlets.validate("members")
    def _some(self, proposal: dict) -> int:
        return require_between("members", proposal.value, 1, len(self.sizes), "decoders")


def fitted_decoders(count: int = 16, seed: int = 0) -> list[MLP]:
    """Maps 2 → 32 → 64 from the codes of the digits to their 8×8 pixels, alike where there are
    codes and free elsewhere.

    Each has hidden units tanh(Uz + b) of its own, drawn at random, and is fitted to a sample of
    its own of the 1,347 training digits, drawn with replacement. Only the last layer is fitted, by
    ridge regression, so nothing is trained and the result is exact.
    """
    z = pretrained.load("digits").codes[:1347].double()
    x = data.load("digits").pixels.flatten(1).double()
    random = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    decoders = []
    for _ in range(count):
        decode = MLP(nn.Linear(2, FEATURES), nn.Tanh(), nn.Linear(FEATURES, x.shape[-1])).double()
        U, b = drawn(FEATURES, 2), 2 * drawn(FEATURES)
        sample = torch.randint(len(z), (len(z),), generator=random)
        h = torch.cat([(z[sample] @ U.mT + b).tanh(), torch.ones(len(z), 1)], dim=-1)
        penalty = RIDGE * torch.eye(FEATURES + 1, dtype=torch.float64)
        penalty[-1, -1] = 0  # the mean image is free
        C = torch.linalg.solve(h.mT @ h + penalty, h.mT @ x[sample]).mT
        for parameter, value in zip(decode.parameters(), (U, b, C[:, :-1], C[:, -1]), strict=True):
            parameter.requires_grad_(False).copy_(value)
        decoders.append(decode.float())
    return decoders
