"""Geodesics: against other solvers on the same decoders and the same pairs, in one process.

All of them: `python benchmarks/geodesics.py`; some: `python benchmarks/geodesics.py adam lbfgs`.
README.md says how to install the other packages and how to read the table.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from race import peers
from race.clock import Times, by_turns, one_by_one
from race.decoders import arcs, random_pairs, small_mlp, trained
from race.ruler import measure, reference, spread
from threadpoolctl import threadpool_limits
from torch import Tensor

from geokit import Geodesic, PullbackMetric, UnresolvedGeodesic, geodesic
from geokit.curves import LobattoCurve, StraightLine
from geokit.elements import Elements
from geokit.solvers import newton, spline_adam
from geokit.solvers.energies import DecodedEnergy, System
from geokit.solvers.starts import FINEST
from geokit.surfaces import Sphere
from geokit.types import Curve, Immersion

HEAD = ("against", "on", "theirs, s", "ours, s", "ratio", "target", "their gap", "our gap", "ours")
PATIENCE = 30
"""Seconds that a solver of one pair at a time gets for a decoder."""


def row(against: str, on: str, theirs: Times, ours: Times, target: str, *gaps: str) -> None:
    ratio = f"{theirs.median / ours.median:.1f}×"
    print("|", " | ".join((against, on, str(theirs), str(ours), ratio, target, *gaps)), "|")
    sys.stdout.flush()


def preset(path: Geodesic, tolerance: float) -> str:
    failed = int((~path.resolved).sum())
    return f"tolerance {tolerance:g}" + (f", {failed} unresolved" if failed else "")


def loosest(f: Immersion, a: Tensor, b: Tensor, good: Callable[[Curve], bool]) -> float:
    """Our largest tolerance whose curves are good enough; the smallest if none is."""
    tolerances = (1e-2, 1e-4, 1e-6)
    fine = (t for t in tolerances if good(geodesic(PullbackMetric(f), a, b, tolerance=t)))
    return next(fine, tolerances[-1])


def stochman() -> None:
    """Its defaults against a quick call of ours and against our default call."""
    for name in ("digits", "digits-jagged"):
        f, codes = trained(name)
        a, b = random_pairs(codes, 100)
        G, L = PullbackMetric(f), reference(f, a, b)
        theirs = partial(peers.stochman, f)
        quick, default = partial(geodesic, G, tolerance=1e-2), partial(geodesic, G)

        ways = (partial(way, a, b) for way in (theirs, quick, default))
        (t, curve), (t_quick, path), (t_default, best) = by_turns(*ways, repeats=3)
        gap, ours, least = (spread(measure(f, c, a).length / L - 1) for c in (curve, path, best))
        row("stochman", f"{name}, 100", t, t_quick, "≥ 4×", gap, ours, preset(path, 1e-2))
        row("stochman", f"{name}, 100", t, t_default, "≥ 1.5×", gap, least, preset(best, 1e-4))

        single, single_quick = Times(), Times()
        gaps, ours = [], []
        for i in range(5):
            pair = a[i : i + 1], b[i : i + 1]
            (t, curve), (t_quick, path) = by_turns(
                partial(theirs, *pair), partial(quick, *pair), repeats=3
            )
            single, single_quick = Times(single + t), Times(single_quick + t_quick)
            gaps.append(measure(f, curve, a).length / L[i] - 1)
            ours.append(measure(f, path, a).length / L[i] - 1)
        on = f"{name}, 1 (five times)"
        both = (spread(torch.cat(g)) for g in (gaps, ours))
        row("stochman", on, single, single_quick, "≥ 8×", *both, "tolerance 0.01")


def stochman_long() -> None:
    """Its minimiser with more of everything, against ours to its own gap or better."""
    f, codes = trained("digits")
    a, b = random_pairs(codes, 20)
    L = reference(f, a, b)
    [(t, curve)] = by_turns(partial(peers.stochman, f, a, b, nodes=11), repeats=1)
    gap = measure(f, curve, a).length / L - 1

    def good(curve: Curve) -> bool:
        ours = measure(f, curve, a).length / L - 1
        return bool(ours.median() <= gap.median() and ours.max() <= gap.max())

    tolerance = loosest(f, a, b, good)
    call = partial(geodesic, PullbackMetric(f), a, b, tolerance=tolerance)
    [(t_ours, path)] = by_turns(call, repeats=5)
    ours = measure(f, path, a).length / L - 1
    against, gaps = "stochman, 11 nodes, 1500 steps", (spread(gap), spread(ours))
    row(against, "digits, 20", t, t_ours, "≥ 50×", *gaps, preset(path, tolerance))


def adam() -> None:
    """The paper's spline and Adam, vectorised, in float32 on both sides; gaps of energy."""
    f, codes = trained("digits", torch.float32)
    a, b = random_pairs(codes, 20)
    exact, _ = trained("digits")
    E = reference(exact, a.double(), b.double()) ** 2
    for steps, target in ((500, "≥ 40×"), (1500, "≥ 120×")):
        [(t, curve)] = by_turns(partial(adam_curve, f, a, b, steps), repeats=1)
        gap = measure(f, curve, a).energy / E - 1

        def good(curve: Curve, gap: Tensor = gap) -> bool:
            return bool((measure(f, curve, a).energy / E - 1).median() <= gap.median())

        tolerance = loosest(f, a, b, good)
        call = partial(geodesic, PullbackMetric(f), a, b, tolerance=tolerance)
        [(t_ours, path)] = by_turns(call, repeats=5)
        ours = measure(f, path, a).energy / E - 1
        against, gaps = f"spline and Adam, {steps} steps", (spread(gap), spread(ours))
        row(against, "digits, 20, float32", t, t_ours, target, *gaps, preset(path, tolerance))


def adam_curve(f: Immersion, a: Tensor, b: Tensor, steps: int) -> Curve:
    straight = StraightLine(a, b)(FINEST.times(a))
    found = spline_adam(DecodedEnergy(f, FINEST), straight, 0.0, steps=steps)
    return LobattoCurve(found.points, FINEST)


def lbfgs() -> None:
    """torch.optim.LBFGS on the chord energy, to a millionth of what Newton finds (median)."""
    f, codes = trained("digits")
    a, b = random_pairs(codes, 20)
    energy = DecodedEnergy(f, Elements(32, 1))
    straight = StraightLine(a, b)(energy.elements.times(a))
    least = energy.energy(newton(energy, straight, 1e-12).points)

    def gap(c: Tensor) -> str:
        return spread(energy.energy(c) / least - 1)

    ways = (
        lambda: torch_lbfgs(energy, straight, least),
        lambda: newton(energy, straight, 1e-6).points,
        lambda: torch.cat(
            [
                torch_lbfgs(energy, c, E)
                for c, E in zip(straight.split(1), least.split(1), strict=True)
            ]
        ),
    )
    (t, summed), (t_ours, ours), (t_alone, alone) = by_turns(*ways, repeats=3)
    on, our_gap = "digits, 20, chords", (gap(ours), "newton")
    row("torch L-BFGS, one sum", on, t, t_ours, "≥ 5×", gap(summed), *our_gap)
    row("torch L-BFGS, pair by pair", on, t_alone, t_ours, "≥ 5×", gap(alone), *our_gap)


def torch_lbfgs(energy: DecodedEnergy, straight: Tensor, least: Tensor) -> Tensor:
    """Minimise the sum of the energies until half of them are within 1e-6 of the `least`, until it
    stands still, or for 500 steps."""
    inner = straight[..., 1:-1, :].clone().requires_grad_()
    optimiser = torch.optim.LBFGS([inner], line_search_fn="strong_wolfe")
    E = torch.full_like(least, torch.inf)

    def points() -> Tensor:
        return torch.cat([straight[..., :1, :], inner, straight[..., -1:, :]], dim=-2)

    def closure() -> Tensor:
        nonlocal E
        optimiser.zero_grad()
        E = energy.energy(points())
        E.sum().backward()
        return E.detach().sum()

    for _ in range(500 // 20):  # torch's own number of steps a call
        before = E.detach().sum()
        optimiser.step(closure)
        if (E / least).median() <= 1 + 1e-6 or E.sum() >= before * (1 - 1e-9):
            break
    return points().detach()


class NoCurvature(DecodedEnergy):
    """The same energy, with the Hessian of Gauss and Newton: what is left without ∇²f."""

    def system(self, c: Tensor) -> System:
        gradient, _, positive = super().system(c)
        return System(gradient, positive, positive)


def gauss_newton() -> None:
    """Iterations on long arcs of a great circle, with and without the curvature of f."""
    lengths = (2.5, 2.7, 2.9)
    a, b = arcs(*lengths)
    straight = StraightLine(a, b)(Elements(8, 4).times(a))
    plain, ours = (
        newton(kind(Sphere(), Elements(8, 4)), straight, 1e-12, max_steps=1000)
        for kind in (NoCurvature, DecodedEnergy)
    )
    for i, length in enumerate(lengths):
        counts = Times([plain.iterations[i].item()]), Times([ours.iterations[i].item()])
        done = ("–" if s.converged[i] else "not converged" for s in (plain, ours))
        on = f"sphere, arc of {length}: *iterations*"
        row("Gauss-Newton", on, *counts, "≥ 4×", *done, "newton")


def bvp() -> None:
    """latent-geometry's boundary value problem, which decodes in float32."""
    alone("latent-geometry", peers.latent_geometry)


def shooting() -> None:
    """geomstats' default logarithm, by shooting."""
    alone("geomstats", peers.geomstats)


def alone(against: str, peer: Callable, pairs: int = 3) -> None:
    """A solver of one pair at a time, against ours on one pair at a time and at least as exact."""
    codes = torch.randn(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, b = arcs(*torch.linspace(0.5, 2.5, pairs).tolist())
    c, d = random_pairs(codes, pairs)
    cases = (
        ("sphere", Sphere(), 3, a, b),
        ("small MLP", small_mlp(1), 50, c, d),
        ("small MLP, weights doubled", small_mlp(2), 50, c, d),
    )
    for name, f, outputs, a, b in cases:
        L = reference(f, a, b)
        solve = peer(f, outputs)
        t, found = one_by_one(solve, zip(a, b, strict=True), PATIENCE)
        done = [i for i, x in enumerate(found) if x is not None]
        gap = torch.stack([gap_of(found[i], f, a[i], L[i]) for i in done]) if done else None

        def error(path: Geodesic, f=f, a=a, L=L, done=done) -> Tensor:
            length = measure(f, path, a).length if peer is peers.latent_geometry else path.length
            return (length / L - 1).abs()[done or slice(None)]

        def good(path: Geodesic, gap=gap, error=error) -> bool:
            return gap is None or bool(error(path).max() <= gap.max())

        tolerance = loosest(f, a, b, good)
        call = partial(geodesic, PullbackMetric(f), tolerance=tolerance)
        t_ours, _ = one_by_one(call, zip(a, b, strict=True), PATIENCE)
        path = call(a, b)
        ours = spread(error(path))
        on, how = f"{name}, {len(done)} of {pairs} pairs, each", preset(path, tolerance)
        if gap is not None:
            row(against, on, t, t_ours, "–", spread(gap), ours, how)
            continue
        never = not found  # not one pair within the time, not even given up
        theirs = f"none in {PATIENCE}" if never else "gave up"
        bound = f"> {PATIENCE / t_ours.median:.0f}×" if never else "–"
        print("|", " | ".join((against, on, theirs, str(t_ours), bound, "–", "–", ours, how)), "|")


def gap_of(found: Tensor | Curve, f: Immersion, like: Tensor, length: Tensor) -> Tensor:
    """|L/L* − 1| of a distance, or of a curve."""
    if not isinstance(found, Tensor):
        found = measure(f, lambda t: found(t)[None], like).length[0]
    return (found.detach().reshape(()) / length - 1).abs()


def cnn(against: str, theirs: Callable, repeats: int) -> None:
    """32 latent dimensions, in float32: where no Jacobian is formed."""
    f, codes = trained("random-cnn", torch.float32)
    a, b = random_pairs(codes, 4)
    exact, _ = trained("random-cnn")
    L = reference(exact, a.double(), b.double())
    [(t, curve)] = by_turns(partial(theirs, f, a, b), repeats=repeats)
    [(t_ours, path)] = by_turns(partial(geodesic, PullbackMetric(f), a, b), repeats=3)
    both = (spread(measure(f, c, a).length / L - 1) for c in (curve, path))
    row(against, "random-cnn, 4, float32", t, t_ours, "–", *both, preset(path, 1e-4))


CNN_ADAM = partial(adam_curve, steps=150)
RACES = {  # and the package each needs
    "stochman": (stochman, "stochman"),
    "stochman-long": (stochman_long, "stochman"),
    "adam": (adam, None),
    "lbfgs": (lbfgs, None),
    "gauss-newton": (gauss_newton, None),
    "cnn-adam": (partial(cnn, "spline and Adam, 150 steps", CNN_ADAM, repeats=1), None),
    "cnn-stochman": (partial(cnn, "stochman", peers.stochman, repeats=3), "stochman"),
    "bvp": (bvp, "latent_geometry"),
    "shooting": (shooting, "geomstats"),
}


def main(*names: str) -> None:
    unknown = set(names) - set(RACES)
    if unknown:
        sys.exit(f"no race is called {', '.join(sorted(unknown))}; there are {', '.join(RACES)}.")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UnresolvedGeodesic)  # the last column counts them
    print("|", " | ".join(HEAD), "|")
    print("|" + "---|" * len(HEAD))
    left_out = []
    with threadpool_limits(1):
        for name in names or RACES:
            race, package = RACES[name]
            if package and find_spec(package) is None:
                left_out.append(f"{name} (needs {package})")
            else:
                race()
    if left_out:
        print("Left out:", "; ".join(left_out) + ". benchmarks/README.md says how to install it.")


if __name__ == "__main__":
    main(*sys.argv[1:])
