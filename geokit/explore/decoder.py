"""A decoder on its way into a page: its layers by name, its weights as bytes."""

import torch
from torch import nn

from ..models.mlp import MLP

NAMES = {
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.ReLU: "relu",
    nn.ELU: "elu",
    nn.Softplus: "softplus",
}
"""The activations that `decoder.js` knows."""


def packed(decode: nn.Module) -> tuple[list, bytes]:
    """The layers and weights of a decoder, as `decoder.js` reads them.

    Args:
        decode: an `MLP`, or an `nn.Sequential` of the same layers.

    Returns:
        For each layer its widths `[in, out]` or the name of its activation; and little-endian
        numbers, of each linear layer the weight row by row, then the bias (zero if it has none).
        They are float16 if all of them fit into it, as those of `geokit.pretrained`'s "mnist" do,
        else float32: weights of higher precision are rounded.

    Raises:
        ValueError: a map that is not made of such layers.
    """
    if not isinstance(decode, nn.Sequential):
        raise ValueError(
            f"The decoder is a {type(decode).__name__}; a page can compute fully connected layers "
            "only: give a geokit.models.MLP, for example vae.mean."
        )
    layers, weights = [], []
    for layer in MLP(*decode):  # refuses other layers, and activations with settings of their own
        if isinstance(layer, nn.Linear):
            layers.append([layer.in_features, layer.out_features])
            bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
            weights += [layer.weight.flatten(), bias]
        elif type(layer) in NAMES:
            layers.append(NAMES[type(layer)])
        else:
            raise ValueError(
                f"{layer} has no JavaScript twin; a page can compute nn.Linear and "
                f"{', '.join(kind.__name__ for kind in NAMES)}."
            )
    if not weights:
        raise ValueError("The decoder has no nn.Linear; a page can compute fully connected layers.")
    numbers = torch.cat(weights).detach().cpu()
    fits = torch.equal(numbers.half().to(numbers), numbers)
    return layers, numbers.numpy().astype("<f2" if fits else "<f4").tobytes()
