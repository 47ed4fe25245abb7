"""Going straight: the exponential map, its inverse, and vectors carried along a curve.

Both are initial value problems, integrated by torchdiffeq (imported when first used). All problems
of a batch share their steps, so an answer depends on its batch within the tolerance.
"""

import torch
from torch import Tensor

from .geodesic import geodesic
from .metric import christoffel, norm, raise_index
from .pullback import embedding_of, jacobian
from .types import Curve, Float, Metric, require_same_space


def exponential_map(
    G: Metric,
    z: Float[Tensor, "*#batch d"],
    v: Float[Tensor, "*#batch d"],
    *,
    tolerance: float = 1e-8,
) -> Float[Tensor, "*batch d"]:
    """Where the geodesic that leaves z with velocity v is at time 1: a walk of length ‖v‖ straight
    ahead.

    Args:
        G: the metric; twice differentiable for a smooth answer.
        z, v: starting points and velocities, in latent units; leading axes broadcast.
        tolerance: of the integrator, relative and absolute; at least ten units of the last digit.

    Raises:
        ValueError: z or v is not finite, or they do not fit each other; or a step of the integrator
            ends where the metric is singular. A step may also leap over such a point, as over a
            pole, and then nothing is noticed.

    Source: do Carmo, Riemannian Geometry, ch. 3; integrated by the Dormand-Prince pair of orders 5
        and 4.
    """
    require_same_space(z, v, ("z", "v"))
    z, v = torch.broadcast_tensors(z, v)

    def flow(_, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        position, velocity = state
        return velocity, acceleration(G, position, velocity)

    return _integrate(flow, (z, v), tolerance)[0]


def logarithm_map(
    G: Metric,
    z: Float[Tensor, "*#batch d"],
    w: Float[Tensor, "*#batch d"],
    *,
    tolerance: float = 1e-8,
    **options,
) -> Float[Tensor, "*batch d"]:
    """The velocity with which to leave z so as to be at w at time 1: the inverse of
    `exponential_map`.

    The `geodesic` from z to w gives the direction, and Newton's method on exp_z(v) = w the rest. So
    ‖v‖ is the length of the geodesic found, the distance if that is the shortest one.

    Args:
        G, z, w: the metric, starting points and targets, in latent units.
        tolerance: of the integrator.
        options: passed on to `geodesic`.

    Warns:
        UnresolvedGeodesic: a geodesic failed its certificate; its direction may lead elsewhere.

    Raises:
        ValueError: as `geodesic`; or exp_z(v) does not come near some w: within 1e-6 or ten times
            the tolerance, relative to |w − z|, and the rounding of the points.
    """
    require_same_space(z, w, ("z", "w"))
    z, w = torch.broadcast_tensors(z.detach(), w.detach())
    path = geodesic(G, z, w, **options)
    eps = torch.finfo(z.dtype).eps
    tolerance = max(tolerance, 10 * eps)
    step = path(torch.tensor(eps**0.25).to(z)) - z
    length = norm(G, z, step)
    v = torch.where(length[..., None] > 0, step * (path.length / length)[..., None], 0)

    scale = (w - z).norm(dim=-1, keepdim=True)
    rounding = 8 * eps * torch.maximum(z.norm(dim=-1, keepdim=True), w.norm(dim=-1, keepdim=True))
    basis = torch.eye(z.shape[-1]).to(z)
    h = eps ** (1 / 3) * scale + 100 * rounding  # large against what the ends are rounded by
    for _ in range(8):
        # v and its neighbours in one go: they share their steps, so the differences are smooth
        nudges = torch.stack([*basis, *-basis, torch.zeros_like(basis[0])])
        shape = (len(nudges), *[1] * (z.dim() - 1), z.shape[-1])
        ends = exponential_map(G, z, v + h * nudges.reshape(shape), tolerance=tolerance)
        miss = w - ends[-1]
        off = miss.norm(dim=-1, keepdim=True)
        if (off <= 10 * tolerance * scale + rounding).all():
            break
        d = len(basis)
        J = ((ends[:d] - ends[d : 2 * d]) / (2 * h)).movedim(0, -1)
        safe = torch.where((scale > 0)[..., None], J, basis)
        v = v + torch.linalg.solve(safe, miss)
    if not (off <= max(1e-6, 10 * tolerance) * scale + 4 * rounding).all():
        raise ValueError(
            "exp_z(v) = w could not be solved for some pair: it may lie beyond a conjugate point; "
            "take nearer points, or a smoother metric."
        )
    return v


def parallel_transport(
    G: Metric, curve: Curve, v: Float[Tensor, "*batch d"], *, tolerance: float = 1e-8
) -> Float[Tensor, "*batch d"]:
    """The vector v at γ(0), carried along the curve to γ(1) without turning: V̇ᵏ = −Γᵏᵢⱼ γ̇ⁱ Vʲ.

    Lengths and angles are kept. Round a loop a vector comes back turned by the curvature inside.

    Raises:
        ValueError: v does not fit the curve, or a step ends where the metric is singular (one may
            leap over such a point unnoticed).

    Source: do Carmo, Riemannian Geometry, ch. 2, proposition 2.6.
    """
    start = curve(torch.zeros(()).to(v))
    require_same_space(start, v, ("the curve", "v"))

    def flow(t: Tensor, state: tuple[Tensor]) -> tuple[Tensor]:
        z, velocity = torch.func.jvp(curve, (t,), (torch.ones_like(t),))
        return (-torch.einsum("...kij,...i,...j->...k", christoffel(G, z), velocity, state[0]),)

    return _integrate(flow, (v,), tolerance)[0]


def acceleration(
    G: Metric, z: Float[Tensor, "*batch d"], v: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch d"]:
    """γ̈ = −Γ(v, v) of the geodesic through z with velocity v, in latent units.

    For a map into Euclidean space this is −G⁻¹Jᵀ D²f[v, v], two nested directional derivatives; no
    Christoffel symbol is formed.
    """
    if (f := embedding_of(G)) is not None:

        def along(z: Tensor) -> Tensor:
            return torch.func.jvp(f, (z,), (v,))[1]

        bend = torch.func.jvp(along, (z,), (v,))[1]
        J = jacobian(f, z)
        pull = torch.einsum("...ai,...a->...i", J, bend)
        return -raise_index(J.mT @ J, pull[..., None])[..., 0]
    return -torch.einsum("...kij,...i,...j->...k", christoffel(G, z), v, v)


def _integrate(flow, state: tuple[Tensor, ...], tolerance: float) -> tuple[Tensor, ...]:
    """The state at time 1."""
    from torchdiffeq import odeint

    if not state[0].numel():  # no problem, no step
        return state
    tolerance = max(tolerance, 10 * torch.finfo(state[0].dtype).eps)  # what the dtype allows
    times = torch.tensor([0.0, 1.0]).to(state[0])
    try:
        return tuple(x[-1] for x in odeint(flow, state, times, rtol=tolerance, atol=tolerance))
    except AssertionError as error:  # torchdiffeq's way to say that its step shrank to nothing
        raise ValueError(
            f"the way could not be integrated ({error}): it runs into a point where the metric is "
            "singular, NaN or infinite."
        ) from None
