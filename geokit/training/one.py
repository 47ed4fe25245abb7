"""One model after another."""

import math

import torch
from torch import Tensor, nn

from ..progress import progress as bar_over


def fit(
    model: nn.Module,
    x: Tensor,
    *,
    epochs: int = 200,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    decay: bool = True,
    kl_warm_up: float = 0.0,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> list[float]:
    """Maximise the mean of `model.elbo(x, generator)` by Adam, in place; the model is left in eval
    mode on `device`.

    The order of the images and the noise come from one CPU generator, so a seed gives the same
    draws on every device. The model's first weights are the caller's: call `torch.manual_seed`
    before building it.

    Args:
        model: a module with `elbo(x, generator) -> (batch,)` in nats; for a warm-up it takes
            `kl_weight` too.
        x: training images, `(n, D)`; all of them go to the device.
        epochs, batch_size, learning_rate: of Adam.
        decay: let the learning rate fall to zero along half a cosine; False keeps it constant.
        kl_warm_up: the share of the epochs in which the weight of the KL rises from 0 to 1, in
            equal steps: the codes find their places before the prior pulls them together.
        seed: of the order and of the noise.
        device: "cpu", "cuda", …; where the model is if None.
        progress: show a bar with the ELBO and the time left.

    Returns:
        The mean ELBO of each epoch, in nats an image; during the warm-up with the weight it had.

    Raises:
        ValueError: no images, fewer than one epoch, a warm-up outside [0, 1], or an ELBO that
            becomes NaN or infinite.
    """
    require_schedule(x, epochs, batch_size, kl_warm_up)
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device).train()
    x = x.to(device)
    draws = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)

    history = []
    bar = bar_over(range(epochs), show=progress, unit="epoch")
    for epoch in bar:
        warm_up = kl_weight(epoch, epochs, kl_warm_up)
        total = torch.zeros((), device=device)
        for batch in torch.randperm(len(x), generator=draws).split(batch_size):
            elbo = model.elbo(x[batch.to(device)], draws, **warm_up)
            optimiser.zero_grad()
            (-elbo.mean()).backward()
            optimiser.step()
            total += elbo.detach().sum()
        history.append(total.item() / len(x))
        if not math.isfinite(history[-1]):
            raise ValueError(
                f"training diverged in epoch {epoch + 1}: the ELBO is {history[-1]}; "
                f"lower learning_rate ({learning_rate:g})."
            )
        if decay:
            schedule.step()
        bar.set_postfix_str(f"ELBO {history[-1]:.1f} nats")
    model.eval()
    return history


def kl_weight(epoch: int, epochs: int, warm_up: float) -> dict[str, float]:
    """What a model is told of the warm-up in an epoch: nothing where there is none."""
    return {"kl_weight": min(1.0, epoch / (warm_up * epochs))} if warm_up else {}


def require_schedule(x: Tensor, epochs: int, batch_size: int, kl_warm_up: float) -> None:
    """Something to train on, and a warm-up that ends."""
    if len(x) == 0 or epochs < 1 or batch_size < 1:
        raise ValueError(
            f"got {len(x)} images, {epochs} epochs, batches of {batch_size}; "
            "each must be at least 1."
        )
    if not 0 <= kl_warm_up <= 1:
        raise ValueError(f"kl_warm_up is {kl_warm_up}; give the share of the epochs, from 0 to 1.")
