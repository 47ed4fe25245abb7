"""The experiment on the coefficient of variation: train → encode → measure → one tidy table.

`run` does all of it from a spec, a TOML file of a few lines, here or spread by an executor.
Whatever stops it, the next call goes on where it stood.
"""

from .runs import run
from .spec import Spec, read_spec
from .store import load_model

__all__ = ["Spec", "load_model", "read_spec", "run"]
