"""How well do retrained models agree, and about which distance do they agree better?

M models measure the same P pairs. The coefficient of variation (CV) of a pair says how far the
models disagree about it. Two distances are compared by the mean over pairs of the difference of
their log-CVs; its exponential is the geometric mean of the ratio of the CVs. All pairs are measured
by the same models, so the pairs are no independent witnesses: the uncertainty comes from a
bootstrap that resamples the models.
"""

from .bias import bias
from .comparison import Comparison, compare
from .power import power
from .tables import NOT_MEASURED
from .variation import coefficient_of_variation, cv_standard_error

__all__ = [
    "NOT_MEASURED",
    "Comparison",
    "bias",
    "coefficient_of_variation",
    "compare",
    "cv_standard_error",
    "power",
]
