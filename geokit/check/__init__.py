"""Check your own answers to the exercises: `check.answer("2.2", my_metric)`, `check.hint("2.2")`.

`check.question("1.3")` asks for a number or a choice in the page itself, where there is no kernel.
The rules of chapter N are in `chapter_NN.py`. Numbers and choices are held as salted hashes, so
that reading these files gives nothing away; code is tried out on examples drawn for the purpose.
"""

import importlib
import pkgutil
from collections import Counter
from functools import cache
from typing import Any

from .rules import ROUNDS, SALT, NotAttempted, Refused, Rule

__all__ = ["answer", "hint", "question"]

_given = Counter()  # hints given in this process, per exercise


def answer(exercise: str | float, value: object = None) -> str:
    """Judge the answer to an exercise: "correct", "not attempted", or "not yet: …".

    Args:
        exercise: its number, such as "2.2": the second of chapter 2.
        value: a number, letters of a choice, or your function, whatever the exercise asks for.

    An untouched stub (None, `...`, a blank text, a function that returns nothing or raises
    NotImplementedError) counts as not attempted. Never raises; but a function of yours that never
    returns is not stopped.
    """
    exercise = str(exercise)
    try:
        rule = table().get(exercise)
        if rule is None:
            return _unknown(exercise)
        if value is None or value is Ellipsis or _is_blank(value):
            return "not attempted"
        sentence = rule.judge(exercise, value)
    except NotAttempted:
        return "not attempted"
    except Refused as refused:
        sentence = str(refused)
    except Exception as error:  # an object that cannot even be looked at
        sentence = f"this answer cannot be read ({type(error).__name__})"
    return "correct" if sentence is None else f"not yet: {str(sentence).rstrip('.')}."


def hint(exercise: str | float) -> str:
    """The next hint for an exercise: from general to specific; the last one stays."""
    exercise = str(exercise)
    rule = table().get(exercise)
    if rule is None:
        return _unknown(exercise)
    _given[exercise] = min(_given[exercise] + 1, len(rule.hints))
    return f"hint {_given[exercise]} of {len(rule.hints)}: {rule.hints[_given[exercise] - 1]}"


def question(exercise: str) -> Any:
    """Where to give a number or a choice: the cell's value, drawn in the notebook and in the page.

    It judges as `answer` does, and gives the hints of `hint`, in the browser: it needs no kernel
    and no network, and holds a hash of the answer. What the reader has entered is `given`, a
    string, in Python too.

    Args:
        exercise: its number, such as "1.3".

    Returns:
        A widget, `geokit.explore.question.Question`.

    Raises:
        ValueError: there is no such exercise, or it asks for something else.
    """
    exercise = str(exercise)
    rule = table().get(exercise)
    if rule is None:
        raise ValueError(_unknown(exercise))
    if not rule.sealed:
        raise ValueError(
            f"exercise {exercise} asks for neither a number nor letters; a page can judge no more: "
            f'say check.answer("{exercise}", …) where there is a kernel.'
        )
    from ..explore.question import Question  # late: it needs anywidget, and this module does not

    return Question(
        exercise=exercise,
        sealed=rule.sealed,
        salt=SALT + exercise,
        rounds=ROUNDS,
        decimals=rule.decimals,
        options=rule.options,
        hints=rule.hints,
    )


@cache
def table() -> dict[str, Rule]:
    """The rules of all exercises, in the order of the book."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = {}
    for name in names:
        if name.startswith("chapter_"):
            found |= importlib.import_module(f"{__name__}.{name}").RULES
    return found


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip(" \t")


def _unknown(exercise: str) -> str:
    return f"there is no exercise {exercise}; there are {', '.join(table())}."
