"""The injective decoder: exact inverse, full rank, densities, and training many at once."""

import math
import sys

import pytest
import torch
from torch import nn
from torch.distributions import AffineTransform, Independent, MultivariateNormal, Normal
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.testing import assert_close

from geokit import PullbackMetric, data, distance, geodesic, jacobian
from geokit.identifiability import injectivity_defect, smallest_singular_value
from geokit.models import ManifoldFlow
from geokit.models.manifold_flow import Coupling
from geokit.training import fit, fit_many

pytest.importorskip("zuko")

SIZES = [(9, 2, 4, (7,)), (8, 3, 3, (5, 6)), (5, 4, 1, (3,)), (2, 1, 2, (4,)), (9, 1, 5, (4,))]


def model(pixels=9, latent=2, transforms=4, hidden=(7,), *, seed=0, bend=2.0):
    """A flow with larger weights than at birth, so that its surface is bent; float64."""
    torch.manual_seed(seed)
    one = ManifoldFlow(pixels, latent, transforms=transforms, hidden=hidden).double()
    with torch.no_grad():
        for p in one.parameters():
            p *= bend
    return one


def codes(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(f):
    """The same map without its own derivatives."""
    return lambda z: f(z)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_encode_is_the_left_inverse_of_the_decoder(size, batch):
    m, z = model(*size), codes(*batch, size[1])
    x = m.mean(z)
    assert x.shape == (*batch, size[0])
    assert_close(m.encode(x), z, rtol=1e-12, atol=1e-12)
    assert m.elbo(x).shape == m.log_density(x).shape == m.log_prob(z).shape == batch


@pytest.mark.parametrize("size", SIZES)
def test_the_flow_is_invertible_in_both_directions(size):
    y = codes(50, size[0])
    for dtype, atol in [(torch.float64, 1e-12), (torch.float32, 1e-6)]:
        flow, y = model(*size, bend=1.0).to(dtype).mean, y.to(dtype)
        for there, back in [(flow.flow, flow.inverse), (flow.inverse, flow.flow)]:
            assert_close(back(there(y)), y, rtol=atol, atol=2 * atol)
            assert not torch.allclose(there(y), y, atol=0.1)  # it is not the identity


def test_a_coupling_is_zukos_coupling_of_an_affine_map():
    zuko = pytest.importorskip("zuko.transforms")
    torch.manual_seed(0)
    coupling, y = Coupling(3, 5, (4,)).double(), codes(7, 8)

    def meta(a):
        r, t = coupling.conditioner(a).chunk(2, dim=-1)
        return zuko.DependentTransform(AffineTransform(t, r.tanh().exp()), 1)

    reference = zuko.CouplingTransform(meta, torch.arange(8) < 3)
    a, b = y.split([3, 5], dim=-1)
    x = reference(y)
    assert_close(torch.cat([a, coupling(a, b)], dim=-1), x, rtol=1e-14, atol=1e-14)
    assert_close(coupling.inverse(a, x[..., 3:]), b, rtol=1e-14, atol=1e-14)


def test_a_coupling_stretches_by_no_more_than_e():
    torch.manual_seed(0)
    coupling = Coupling(3, 5, (4,)).double()
    with torch.no_grad():
        coupling.conditioner[-1].weight.mul_(1e4)
    a, b = codes(20, 8).split([3, 5], dim=-1)
    stretch = coupling(a, b + 1) - coupling(a, b)
    assert stretch.max() <= torch.e + 1e-6
    assert stretch.min() >= 1 / torch.e - 1e-6


def test_every_pixel_depends_on_the_code_and_every_code_on_all_pixels():
    m = model()
    assert (jacobian(m.mean, codes(2)).abs() > 1e-8).all()
    assert (jacobian(m.encode, codes(9)).abs() > 1e-8).all()


def test_the_jacobian_has_full_rank_bounded_by_the_inverse():
    """J_encode J = I, so no singular value of J is below 1/‖J_encode‖; also far from the data."""
    m, z = model(), 10 * codes(40, 2)
    least = smallest_singular_value(m.mean, z)
    bound = 1 / torch.linalg.matrix_norm(jacobian(m.encode, m.mean(z)), ord=2)
    assert (bound > 0).all()
    assert (least >= bound * (1 - 1e-9)).all()


def test_no_two_codes_share_an_image():
    """The decoder of a flow is injective; the same sheet folded over (z ↦ f(|z|)) is not."""
    m, z = model(), codes(12, 2)
    assert injectivity_defect(m.mean, z).max() < 0.9
    folded = torch.cat([z, -z])
    assert injectivity_defect(lambda z: m.mean(z.abs()), folded).max() > 1 - 1e-6
    assert injectivity_defect(m.mean, folded).max() < 0.9


@pytest.mark.parametrize("size", SIZES)
def test_its_own_derivatives_equal_autodiff(size):
    m, z, w = model(*size), codes(4, 3, size[1]), codes(4, 3, size[0], seed=2)
    own = m.mean.derivatives(z)
    assert_close(own.value, m.mean(z), rtol=1e-13, atol=1e-13)
    assert_close(own.jacobian, jacobian(plain(m.mean), z), rtol=1e-12, atol=1e-13)
    hessian = vmap(vmap(torch.func.hessian(plain(m.mean))))(z)
    exact = torch.einsum("...a,...aij->...ij", w, hessian)
    assert exact.abs().max() > 0.1
    assert_close(own.curvature(w), exact, rtol=1e-12, atol=1e-12)


def test_geodesics_are_the_same_either_way_and_no_longer_than_the_straight_line():
    m = model(40, hidden=(16,))
    start, end = codes(2, 6, 2)
    path = geodesic(PullbackMetric(m.mean), start, end)
    assert path.resolved.all()
    assert path.length.dtype == torch.float64
    assert_close(
        path.length, distance(PullbackMetric(plain(m.mean)), start, end), rtol=1e-10, atol=0
    )
    assert (path.length >= (m.mean(start) - m.mean(end)).norm(dim=-1)).all()


def test_density_on_a_curve_integrates_to_one_over_chords():
    """Length by chords: no Jacobian enters the oracle."""
    m = model(6, 1, 4, (5,))
    with torch.no_grad():
        edges = torch.linspace(-25, 25, 40001, dtype=torch.float64)[:, None]
        chords = m.mean(edges).diff(dim=0).norm(dim=-1)
        density = m.log_density(m.mean((edges[1:] + edges[:-1]) / 2)).exp()
    assert_close((density * chords).sum().item(), 1.0, rtol=1e-4, atol=0)
    assert (density.log() - m.log_prob((edges[1:] + edges[:-1]) / 2)).abs().max() > 0.1


def test_density_on_a_surface_integrates_to_one_over_parallelograms():
    m = model(bend=1.3)
    with torch.no_grad():
        line = torch.linspace(-12, 12, 301, dtype=torch.float64)
        x = m.mean(torch.cartesian_prod(line, line).unflatten(0, (301, 301)))
        u, v = x.diff(dim=0), x.diff(dim=1)
        u, v = (u[:, 1:] + u[:, :-1]) / 2, (v[1:] + v[:-1]) / 2  # between midpoints of the sides
        area = ((u * u).sum(-1) * (v * v).sum(-1) - (u * v).sum(-1) ** 2).sqrt()
        middle = (line[1:] + line[:-1]) / 2
        density = m.log_density(m.mean(torch.cartesian_prod(middle, middle))).exp()
    assert_close((density * area.flatten()).sum().item(), 1.0, rtol=5e-4, atol=0)


def test_density_of_a_stretched_plane_in_closed_form():
    """Without weights, the second coupling stretches the code by exp(tanh r): density / area."""
    m = model(transforms=2)
    with torch.no_grad():
        for coupling in m.mean.couplings:
            for p in coupling.parameters():
                p.zero_()
        m.mean.couplings[1].conditioner[-1].bias[:5] = 0.7
    z, stretch = codes(5, 2), math.tanh(0.7)
    x = m.mean(z)
    assert_close(x[:, [0, 2]], z * math.exp(stretch))  # the first half: pixels of even number
    assert_close(m.log_density(x), m.log_prob(z) - 2 * stretch, rtol=1e-12, atol=1e-12)


def test_the_objective_is_reconstruction_plus_density_of_the_code():
    m, x = model(), codes(20, 9)
    z = m.encode(x)
    likelihood = Independent(Normal(m.mean(z), 0.1), 1).log_prob(x)
    assert_close(m.elbo(x), likelihood + m.log_prob(z), rtol=1e-12, atol=1e-12)
    assert_close(m.elbo(x, kl_weight=0.3), likelihood + 0.3 * m.log_prob(z), rtol=1e-12, atol=0)
    assert torch.equal(m.elbo(x, torch.Generator()), m.elbo(x))


def test_the_density_does_not_move_the_manifold():
    m, x = model(), codes(20, 9)

    def gradients(kl_weight):
        m.zero_grad()
        m.elbo(x, kl_weight=kl_weight).mean().backward()
        return [
            torch.cat([p.grad.flatten() for p in part.parameters()]) for part in (m.mean, m.inner)
        ]

    outer, inner = gradients(1.0)
    outer_alone, inner_zero = gradients(0.0)
    assert torch.equal(outer, outer_alone)
    assert outer.norm() > 0
    assert inner.norm() > 0
    assert not inner_zero.any()


@pytest.mark.parametrize("latent", [1, 2])
@pytest.mark.parametrize("own_images", [False, True])
def test_gradients_of_stacked_models_are_those_of_each(latent, own_images):
    models, x = [model(9, latent, seed=seed) for seed in range(3)], codes(3, 11, 9)
    x = x if own_images else x[:1].expand_as(x)
    objectives = [Objective(one) for one in models]
    parameters, buffers = stack_module_state(objectives)

    def loss(parameters, buffers, x):
        return functional_call(objectives[0], (parameters, buffers), (x,))

    stacked = vmap(grad(loss), in_dims=(0, 0, 0 if own_images else None))(
        parameters, buffers, x if own_images else x[0]
    )
    for k, one in enumerate(models):
        one.elbo(x[k]).mean().backward()
        for name, p in one.named_parameters():
            assert_close(stacked[f"m.{name}"][k], p.grad, rtol=1e-9, atol=1e-11)


class Objective(nn.Module):
    """The objective as a forward pass, which is what `functional_call` calls."""

    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        return self.m.elbo(x).mean()


def test_models_trained_at_once_are_those_trained_alone():
    """Nothing is sampled, so the orders of later epochs agree too."""
    x, schedule = codes(60, 9), {"epochs": 3, "batch_size": 16, "progress": False}
    together = [model(seed=seed) for seed in range(3)]
    fit_many(together, x, seeds=[0, 1, 2], **schedule)
    for seed, one in enumerate(together):
        alone = model(seed=seed)
        fit(alone, x, seed=seed, **schedule)
        for p, q in zip(one.parameters(), alone.parameters(), strict=True):
            assert_close(p, q, rtol=1e-9, atol=1e-11)


def test_training_raises_the_objective_and_reconstructs_digits():
    x = data.load("digits", classes=[0, 1, 7]).pixels.flatten(1)
    torch.manual_seed(0)
    m = ManifoldFlow(64, hidden=(32,))
    before = (m.mean(m.encode(x)) - x).square().mean().sqrt()
    history = fit(m, x, epochs=40, batch_size=32, learning_rate=5e-3, progress=False)
    after = (m.mean(m.encode(x)) - x).square().mean().sqrt()
    plane = x - x.mean(dim=0)
    _, _, V = torch.linalg.svd(plane, full_matrices=False)
    best_plane = (plane - plane @ V[:2].mT @ V[:2]).square().mean().sqrt()
    assert history[-1] > history[0] + 20
    assert after < best_plane < before
    z = m.encode(x).detach()
    gaussian = MultivariateNormal(
        z.mean(dim=0), z.mT.cov()
    )  # the best one: the inner flow is better
    assert m.log_prob(z).mean() > gaussian.log_prob(z).mean()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latent": 0}, "latent is 0 for 9 pixels"),
        ({"latent": 9}, "latent is 9 for 9 pixels"),
        ({"transforms": 0}, "at least one coupling"),
        ({"hidden": ()}, "hidden is empty"),
        ({"std": 0.0}, "standard deviation above 0"),
        ({"std": float("nan")}, "standard deviation above 0"),
    ],
)
def test_what_cannot_be_built_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        ManifoldFlow(9, **options)


def test_without_zuko_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko", None)
    monkeypatch.setitem(sys.modules, "zuko.flows", None)
    with pytest.raises(ValueError, match=r"pip install geokit\[flows\]"):
        ManifoldFlow(9)
