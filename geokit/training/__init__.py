"""Training: one loop for any model that has an `elbo`, and the same loop for many models at
once."""

from .many import DivergedTraining, fit_many
from .one import fit

__all__ = ["DivergedTraining", "fit", "fit_many"]
