"""Generative models: each has an encoder `x ↦ z` and a decoder `z ↦ x` that the geometry takes as a
plain callable. `ConvDecoder` is a decoder alone."""

from .bernoulli_vae import BernoulliVAE
from .conv import ConvDecoder
from .conv_vae import ConvVAE
from .ensemble_vae import EnsembleVAE
from .manifold_flow import ManifoldFlow
from .mlp import MLP
from .vae import VAE

__all__ = ["MLP", "VAE", "BernoulliVAE", "ConvDecoder", "ConvVAE", "EnsembleVAE", "ManifoldFlow"]
