"""Generative models: each has an encoder `x ↦ z` and a decoder `z ↦ x` that the geometry takes as a
plain callable. `ConvDecoder` is a decoder alone."""

from .bernoulli_vae import BernoulliVAE
from .conv import ConvDecoder
from .ensemble_vae import EnsembleVAE
from .mlp import MLP
from .vae import VAE

__all__ = ["MLP", "VAE", "BernoulliVAE", "ConvDecoder", "EnsembleVAE"]
