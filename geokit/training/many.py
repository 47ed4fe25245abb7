"""All seeds at once: the weights of many models in one stack, and one computation for all."""

import copy
import hashlib
import inspect
import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..progress import progress as bar_over
from .checkpoint import read, write
from .one import kl_weight, require_schedule

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
WIDE = 2**18  # weights of one layer; see benchmarks/training.py


class DivergedTraining(UserWarning):
    """Some model's objective became NaN or infinite; it was stopped, the others went on."""


def fit_many(
    models: Sequence[nn.Module],
    x: Tensor,
    *,
    seeds: Sequence[int] | None = None,
    epochs: int = 200,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    decay: bool = True,
    kl_warm_up: float = 0.0,
    device: str | torch.device | None = None,
    checkpoint: Path | str | None = None,
    every: float = 120.0,
    progress: bool = True,
) -> list[list[float]]:
    """Train models of one architecture as one stacked computation; each comes out as by `fit` with
    its own seed, to rounding.

    Every model sees the images in its own order and draws its own noise. A model whose objective
    becomes NaN or infinite is stopped at the end of that epoch; its weights are no use, and the
    others go on.

    Args:
        models: alike in everything but their weights; changed in place, and left in eval mode on
            `device`. Their `elbo(x, generator)` may not depend on values in its control flow; if
            it has a keyword `noise`, it is given standard normals `(n, model.latent)` there.
        x: training images, `(n, D)`; all of them go to the device.
        seeds: one a model, of its order and its noise; 0, 1, … if None.
        epochs, batch_size, learning_rate, decay, kl_warm_up: as for `fit`.
        device: "cpu", "cuda", …; where the first model is if None.
        checkpoint: a file to go on from, and to write every `every` seconds; a training that was
            killed ends with the same weights. It is removed by nobody: whoever named it, does.
        progress: show a bar with the mean ELBO and the time left.

    Returns:
        The mean ELBO of each epoch, in nats an image, for each model. The list of a model that
        diverged is shorter, and ends with the value that is not finite.

    Raises:
        ValueError: no models, models that are not alike, as many seeds as there are not models,
            seeds that repeat; a checkpoint that cannot be read or belongs to another training; or
            what `fit` refuses.

    Warns:
        DivergedTraining: names the seeds of the models that diverged.
    """
    require_schedule(x, epochs, batch_size, kl_warm_up)
    seeds = list(range(len(models))) if seeds is None else [int(seed) for seed in seeds]
    _require_alike(models, seeds)
    device = torch.device(device) if device is not None else next(models[0].parameters()).device
    for model in models:
        model.to(device).train()
    x = x.to(device)
    run = _Run(models, seeds, len(x))
    schedule = {
        "seeds": seeds,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "decay": decay,
        "kl_warm_up": kl_warm_up,
        "images": [*x.shape, hashlib.sha256(x.cpu().numpy().tobytes()).hexdigest()[:16]],
        "shapes": {name: list(value.shape[1:]) for name, value in run.weights.items()},
    }
    if checkpoint is not None and Path(checkpoint).exists():
        run.load(*read(Path(checkpoint), schedule))
    saved, steps = time.monotonic(), math.ceil(len(x) / batch_size)
    bar = bar_over(total=epochs, initial=run.step // steps, show=progress, unit="epoch")
    while run.step < epochs * steps and run.alive:
        epoch, k = divmod(run.step, steps)
        if k == 0:
            run.shuffle()
        cosine = (1 + math.cos(math.pi * epoch / epochs)) / 2 if decay else 1.0
        batch = run.order[:, k * batch_size : (k + 1) * batch_size].to(device)
        run.take_step(x[batch], learning_rate * cosine, kl_weight(epoch, epochs, kl_warm_up))
        if k == steps - 1:
            run.end_epoch()
            bar.update()
            bar.set_postfix_str(f"mean ELBO {run.latest():.1f} nats")
        if checkpoint is not None and (time.monotonic() - saved > every):
            write(Path(checkpoint), *run.state(), schedule)
            saved = time.monotonic()
    bar.close()
    if checkpoint is not None:
        write(Path(checkpoint), *run.state(), schedule)
    run.hand_back(models)
    diverged = [seeds[m] for m in range(len(models)) if m not in run.alive]
    if diverged:
        warnings.warn(
            f"the training of seed {', '.join(map(str, diverged))} diverged and was stopped; "
            f"lower learning_rate ({learning_rate:g}).",
            DivergedTraining,
            stacklevel=2,
        )
    return run.history


class _Run:
    """The stack in training: weights, optimiser, orders, noise; everything a checkpoint keeps."""

    def __init__(self, models: Sequence[nn.Module], seeds: list[int], n: int):
        self.template = copy.deepcopy(models[0])
        weights, self.buffers = torch.func.stack_module_state(list(models))
        self.weights = {name: w.detach().requires_grad_() for name, w in weights.items()}
        # on a CPU, convolutions and wide layers take longer in a stack than one after the other
        on_cpu = next(iter(self.weights.values())).device.type == "cpu"
        wide = any(w[0].numel() > WIDE for w in self.weights.values())
        self.one_by_one = on_cpu and (
            wide or any(isinstance(layer, CONVOLUTIONS) for layer in self.template.modules())
        )
        self.sampled = "noise" in inspect.signature(self.template.elbo).parameters
        self.alive = list(range(len(models)))
        self.draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.history: list[list[float]] = [[] for _ in models]
        self.order = torch.zeros(len(models), n, dtype=torch.int64)
        first = next(iter(self.weights.values()))
        self.totals = torch.zeros(len(models), dtype=first.dtype, device=first.device)
        self.step = 0
        self.optimiser = self._adam({})

    def _adam(self, moments: dict[str, dict[str, Tensor]]) -> torch.optim.Adam:
        optimiser = torch.optim.Adam(self.weights.values(), fused=True)
        for name, state in moments.items():
            optimiser.state[self.weights[name]] = {
                "step": torch.tensor(float(self.step), device=self.weights[name].device),
                **state,
            }
        return optimiser

    def _moments(self) -> dict[str, dict[str, Tensor]]:
        return {
            name: {key: state[key] for key in ("exp_avg", "exp_avg_sq")}
            for name, w in self.weights.items()
            if (state := self.optimiser.state.get(w))
        }

    def shuffle(self) -> None:
        n = self.order.shape[1]
        self.order = torch.stack([torch.randperm(n, generator=self.draws[m]) for m in self.alive])

    def take_step(self, x: Tensor, learning_rate: float, warm_up: dict[str, float]) -> None:
        """One step of Adam for every model, each on its own batch: x is (models, batch, D)."""
        options = {}
        if self.sampled:
            shape = (x.shape[1], self.template.latent)
            noise = [torch.randn(shape, generator=self.draws[m], dtype=x.dtype) for m in self.alive]
            options["noise"] = torch.stack(noise).to(x.device)

        def elbo(weights, buffers, x, options):
            state = (
                {f"model.{name}": w for name, w in weights.items()},
                {f"model.{name}": b for name, b in buffers.items()},
            )
            return torch.func.functional_call(
                _Elbo(self.template), state, (x,), {**options, **warm_up}
            )

        if self.one_by_one:
            # unbind, not index: the way back stacks the gradients once
            apart = [
                {k: v.unbind() for k, v in d.items()} for d in (self.weights, self.buffers, options)
            ]
            parts = []
            for m in range(len(x)):
                w, b, o = ({k: v[m] for k, v in d.items()} for d in apart)
                parts.append(elbo(w, b, x[m], o))
            values = torch.stack(parts)
        else:
            values = torch.func.vmap(elbo)(self.weights, self.buffers, x, options)
        self.optimiser.param_groups[0]["lr"] = learning_rate
        self.optimiser.zero_grad()
        (-values.mean(dim=1)).sum().backward()  # no model's weights are in another's mean
        self.optimiser.step()
        self.totals += values.detach().sum(dim=1)
        self.step += 1

    def end_epoch(self) -> None:
        """Note every model's mean objective, and drop those for which it is not finite."""
        for m, total in zip(self.alive, (self.totals / self.order.shape[1]).tolist(), strict=True):
            self.history[m].append(total)
        kept = self.totals.isfinite()
        moments = self._moments()
        self.totals = torch.zeros_like(self.totals)[kept]
        if kept.all():
            return
        keep = kept.nonzero().squeeze(-1)
        with torch.no_grad():
            self.weights = {k: w[keep].clone().requires_grad_() for k, w in self.weights.items()}
        self.buffers = {name: b[keep] for name, b in self.buffers.items()}
        self.order = self.order[keep.cpu()]
        self.alive = [self.alive[i] for i in keep.tolist()]
        cut = {n: {key: value[keep] for key, value in s.items()} for n, s in moments.items()}
        self.optimiser = self._adam(cut)

    def latest(self) -> float:
        """The mean objective of those that go on; NaN if none does."""
        values = [self.history[m][-1] for m in self.alive]
        return sum(values) / len(values) if values else math.nan

    def state(self) -> tuple[dict[str, Tensor], dict]:
        """Tensors and plain numbers from which `load` goes on exactly."""
        tensors = {f"weights.{name}": w.detach() for name, w in self.weights.items()}
        for name, moments in self._moments().items():
            tensors |= {f"{key}.{name}": value for key, value in moments.items()}
        tensors |= {"order": self.order, "totals": self.totals}
        tensors["draws"] = torch.stack([generator.get_state() for generator in self.draws])
        return tensors, {"step": self.step, "alive": self.alive, "history": self.history}

    def load(self, tensors: dict[str, Tensor], numbers: dict) -> None:
        self.step, self.alive = numbers["step"], numbers["alive"]
        self.history = numbers["history"]
        where = self.totals.device
        self.buffers = {name: b[self.alive] for name, b in self.buffers.items()}
        self.weights = {
            name: tensors[f"weights.{name}"].to(where).requires_grad_() for name in self.weights
        }
        self.order, self.totals = tensors["order"], tensors["totals"].to(where)
        for generator, state in zip(self.draws, tensors["draws"], strict=True):
            generator.set_state(state.clone())  # a row of a larger tensor will not do
        self.optimiser = self._adam(
            {
                name: {key: tensors[f"{key}.{name}"].to(where) for key in ("exp_avg", "exp_avg_sq")}
                for name in self.weights
                if f"exp_avg.{name}" in tensors
            }
        )

    def hand_back(self, models: Sequence[nn.Module]) -> None:
        """Give each model its weights: NaN to those that diverged."""
        with torch.no_grad():
            for m, model in enumerate(models):
                at = self.alive.index(m) if m in self.alive else None
                for name, parameter in model.named_parameters():
                    parameter.copy_(self.weights[name][at]) if at is not None else parameter.fill_(
                        math.nan
                    )
                model.eval()


class _Elbo(nn.Module):
    """`functional_call` calls a module, so the objective has to be one."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, **options) -> Tensor:
        return self.model.elbo(x, **options)


def _require_alike(models: Sequence[nn.Module], seeds: list[int]) -> None:
    if not models or len(seeds) != len(models) or len(set(seeds)) < len(seeds):
        raise ValueError(
            f"got {len(models)} models and the seeds {seeds}; "
            "give at least one model, and each a seed of its own."
        )
    first = {name: value.shape for name, value in models[0].state_dict().items()}
    for m, model in enumerate(models):
        shapes = {name: value.shape for name, value in model.state_dict().items()}
        if type(model) is not type(models[0]) or shapes != first:
            raise ValueError(
                f"model {m} is not built like model 0; a stack needs equal classes and layers."
            )
