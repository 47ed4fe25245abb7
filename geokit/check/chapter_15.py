"""Checks of chapter 15: limits."""

import torch
from torch import Tensor

from ..pullback import PullbackMetric
from .rules import choice, code, number, refuse


def four_columns(z: Tensor) -> Tensor:
    """A decoder of two codes with four columns, none of them constant."""
    u, v = z.unbind(dim=-1)
    return torch.stack([u.sin() + v, u * v, 2 * v.cos() - u, u**2 + 0.3 * v], dim=-1)


def judge_unit(theirs) -> None:
    """my_unit(f, column, factor): the metric after one column's numbers were multiplied."""
    z = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(15))
    for column, factor in ((1, 1.0), (0, 60.0), (3, 1e-3), (2, 2.54)):
        units = torch.ones(4)
        units[column] = factor
        exact = PullbackMetric(lambda z, units=units: units * four_columns(z))(z)
        metric = theirs(four_columns, column, factor)
        if not callable(metric):
            refuse("return a metric, a function of z, not its values")
        found = metric(z)
        if not isinstance(found, Tensor) or found.shape != exact.shape:
            refuse(f"for codes (2, 3, 2) the metric must give a tensor {tuple(exact.shape)}")
        if not torch.allclose(found, exact, rtol=1e-9, atol=1e-12):
            refuse(furthest_off(found, exact, column, factor))


def furthest_off(found: Tensor, exact: Tensor, column: int, factor: float) -> str:
    """The entry that is furthest off."""
    off = (found - exact).abs().nan_to_num(torch.inf).reshape(-1)
    worst = int(off.argmax())
    return (
        f"with column {column} multiplied by {factor:g} an entry of the metric is "
        f"{float(exact.reshape(-1)[worst]):.6g}, and yours is {float(found.reshape(-1)[worst]):.6g}"
    )


RULES = {
    "15.1": number(
        "f5f567070aa92e3f1ab8ce7eb0ceda9ce7f54d716bab95a3310f3a6bc77c4e2b",
        decimals=3,
        hints=(
            "In which coordinate is the metric of one pixel Euclidean?",
            "Put both ends into 2·arcsin √p, angles in radians, and subtract.",
        ),
    ),
    "15.2": code(
        judge_unit,
        hints=(
            "Which row of the Jacobian belongs to the column, and what happens to it?",
            "The metric is the sum over the rows of (row)ᵀ(row). One of the summands is "
            "multiplied by the square of the factor.",
        ),
    ),
    "15.3": choice(
        "a98469a0d0564b83d7c20ce6aeba301b2b7f9996d36ea75db8b37a7e3aad0695",
        options="abcde",
        hints=(
            "Ask of each statement: what was compared with what, and what was chosen beforehand?",
            "Agreement between models is precision. Is there a statement that takes it for "
            "accuracy, and one that takes a distance for a mechanism?",
        ),
    ),
}
