"""Interactive figures for chapters and notebooks.

All of their behaviour is JavaScript, so a saved page needs no kernel and no network. In a live
notebook their state is theirs in Python too: `figure.theta` reads it and
`figure.theta = 1.0` moves it.
"""

from .band import DecoderBand
from .bundle import EnsembleBundle
from .decoded_map import DecodedMap
from .fold import Fold
from .gallery import SurfaceGallery
from .gauge import GaugeKnob
from .linked import LinkedHistograms
from .rubber import RubberBand
from .tissot import TissotEllipses
from .variance import RBFVariance
from .world_map import WorldMap

__all__ = [
    "DecodedMap",
    "DecoderBand",
    "EnsembleBundle",
    "Fold",
    "GaugeKnob",
    "LinkedHistograms",
    "RBFVariance",
    "RubberBand",
    "SurfaceGallery",
    "TissotEllipses",
    "WorldMap",
]
