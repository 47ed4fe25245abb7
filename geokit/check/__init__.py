"""Check your own answers to the exercises: `check.answer("2.2", my_metric)`, `check.hint("2.2")`.

The rules of chapter N are in `chapter_NN.py`. Numbers and choices are held as salted hashes, so
that reading these files gives nothing away; code is tried out on examples drawn for the purpose.
"""

import importlib
import pkgutil
from collections import Counter
from functools import cache

from .rules import NotAttempted, Refused, Rule

__all__ = ["answer", "hint"]

_given = Counter()  # hints given in this process, per exercise


def answer(exercise: str, value: object = None) -> str:
    """Judge the answer to an exercise: "correct", "not attempted", or "not yet: …".

    Args:
        exercise: its number, such as "2.2": the second of chapter 2.
        value: a number, letters of a choice, or your function, whatever the exercise asks for.

    An untouched stub (None, `...`, a function that returns nothing or raises
    NotImplementedError) counts as not attempted. Never raises; but a function of yours that never
    returns is not stopped.
    """
    try:
        rule = table().get(str(exercise))
        if rule is None:
            return _unknown(exercise)
        if value is None or value is Ellipsis:
            return "not attempted"
        sentence = rule.judge(exercise, value)
    except NotAttempted:
        return "not attempted"
    except Refused as refused:
        sentence = str(refused)
    except Exception as error:  # an object that cannot even be looked at
        sentence = f"this answer cannot be read ({type(error).__name__})"
    return "correct" if sentence is None else f"not yet: {str(sentence).rstrip('.')}."


def hint(exercise: str) -> str:
    """The next hint for an exercise: from general to specific; the last one stays."""
    exercise = str(exercise)
    rule = table().get(exercise)
    if rule is None:
        return _unknown(exercise)
    _given[exercise] = min(_given[exercise] + 1, len(rule.hints))
    return f"hint {_given[exercise]} of {len(rule.hints)}: {rule.hints[_given[exercise] - 1]}"


@cache
def table() -> dict[str, Rule]:
    """The rules of all exercises, in the order of the book."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = {}
    for name in names:
        if name.startswith("chapter_"):
            found |= importlib.import_module(f"{__name__}.{name}").RULES
    return found


def _unknown(exercise: str) -> str:
    return f"there is no exercise {exercise}; there are {', '.join(table())}."
