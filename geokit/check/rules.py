"""What a right answer is: a sealed number, a sealed choice, or code that a judge tries out."""

import functools
import hashlib
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import NoReturn

import numpy as np
import torch

ROUNDS = 5000  # a check takes milliseconds, trying all numbers with three decimals does not
SALT = "geokit exercise "
NUMBER = re.compile(r"[ \t]*([+−-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)[ \t]*", re.I | re.A)
BETWEEN_LETTERS = re.compile(r"[\s,;.()]+")
FUNCTIONS = (FunctionType, MethodType, BuiltinFunctionType, functools.partial)


class NotAttempted(Exception):
    """The reader has not written anything yet."""


class Refused(Exception):
    """The answer is wrong; the message is one sentence that says in what way."""


def refuse(sentence: str) -> NoReturn:
    """Stop judging: the answer is wrong, and the sentence says in what way."""
    raise Refused(sentence)


@dataclass(frozen=True)
class Rule:
    """How one exercise is judged, and what helps.

    `judge(exercise, value)` returns None if the answer is right, else one sentence; it may also
    raise `Refused` or `NotAttempted`. `sealed` is the hash of the answer, empty for code. A number
    has `decimals`, a choice has `options`: `explore/question.js` judges by these three alone.
    """

    judge: Callable
    hints: tuple[str, ...]
    sealed: str = ""
    decimals: int | None = None
    options: str = ""

    def __post_init__(self):
        if not isinstance(self.hints, tuple) or not self.hints:
            raise ValueError("hints must be a tuple of sentences, at least one.")
        if self.sealed and not re.fullmatch("[0-9a-f]{64}", self.sealed):
            raise ValueError("a sealed answer has 64 hexadecimal digits; make it with seal().")


def number(sealed: str, *, decimals: int, hints: tuple[str, ...]) -> Rule:
    """The answer is a number. The last decimal may be off by one, but an integer may not."""

    def judge(exercise: str, value: object) -> str | None:
        last = _last_decimal(_number(value), decimals)
        near = (0, 1, -1) if decimals else (0,)
        if any(_hash(exercise, str(last + step)) == sealed for step in near):
            return None
        precision = f", to {decimals} decimal{'s' * (decimals > 1)}" if decimals else ""
        return f"this is not the number we found{precision}"

    return Rule(judge, hints, sealed, decimals=decimals)


def choice(sealed: str, *, options: str, hints: tuple[str, ...]) -> Rule:
    """The answer is one or several of the letters in `options`, in any order."""

    def judge(exercise: str, value: object) -> str | None:
        letters = _letters(value)
        if not letters or not set(letters) <= set(options):
            return f'give letters from {options[0]} to {options[-1]}, for example "{options[0]}"'
        if _hash(exercise, letters) == sealed:
            return None
        return "that is not it: at least one letter is wrong or missing"

    return Rule(judge, hints, sealed, options=options)


def code(judge: Callable, *, hints: tuple[str, ...]) -> Rule:
    """The answer is a function, or several: `judge(value)` tries it out.

    The judge returns None or one sentence, or calls `refuse`. It runs in float64, and may draw
    random numbers: the reader's generator and default type are as before afterwards. What the
    reader's functions raise is told to the reader. A function that never returns hangs the
    check; stop it by hand.
    """

    def guarded(exercise: str, value: object) -> str | None:
        heard = []
        with _undisturbed():
            try:
                return judge(_watched(value, heard))
            except (NotAttempted, Refused):
                raise
            except (Exception, SystemExit) as error:
                what = f"{type(error).__name__}: {_one_line(error)}"
                if any(error is known for known in heard):
                    return f"your function raised {what}"
                if isinstance(error, TypeError) and "object is not callable" in str(error):
                    return "give the function itself, not a value of it"
                if callable(value):
                    return f"your function, or what it returns, does not fit ({what})"
                return f"this exercise asks for something else than you gave ({what})"

    return Rule(guarded, hints)


def seal(exercise: str, value: object, *, decimals: int | None = None) -> str:
    """The hash to put into `number` (with `decimals`) or `choice` (letters, without)."""
    if decimals is None:
        return _hash(exercise, _letters(value))
    return _hash(exercise, str(_last_decimal(_number(value), decimals)))


def _hash(exercise: str, text: str) -> str:
    salt = (SALT + exercise).encode()
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt, ROUNDS).hex()


def _number(value: object) -> float:
    """A finite float from a Python, NumPy or torch number, or from a string that reads as one."""
    try:
        if isinstance(value, torch.Tensor | np.ndarray | np.generic):
            value = value.item()
        if isinstance(value, str):  # as a page reads it: the book prints the minus sign "−" too
            value = float(NUMBER.fullmatch(value)[1].replace("−", "-"))
        if isinstance(value, Real) and not isinstance(value, bool):
            as_float = float(value)
            if math.isfinite(as_float):
                return as_float
    except (ValueError, TypeError, OverflowError, RuntimeError):
        pass
    raise Refused("give a number")


def _last_decimal(value: float, decimals: int) -> int:
    if not decimals and value != math.floor(value):
        refuse("give a whole number")
    scaled = value * 10.0**decimals
    return round(scaled) if math.isfinite(scaled) else refuse("give a smaller number")


def _letters(value: object) -> str:
    """The letters of "b", "B", "b, d", ["b", "d"] or {"d", "b"}: sorted, each once."""
    if isinstance(value, list | tuple | set | frozenset):
        value = " ".join(item if isinstance(item, str) else "?" for item in value)
    if not isinstance(value, str):
        raise Refused('give a letter, or several as one string such as "ac"')
    return "".join(sorted(set(BETWEEN_LETTERS.sub("", value).lower())))


def _watched(value: object, heard: list) -> object:
    """The reader's functions, such that a stub says so and an exception is remembered."""
    if value is None or value is Ellipsis:
        raise NotAttempted
    if type(value) in (tuple, list):
        return type(value)(_watched(item, heard) for item in value)
    if type(value) is dict:
        # a record may hold None: only the functions in it are looked at
        return {k: _watched(v, heard) if isinstance(v, FUNCTIONS) else v for k, v in value.items()}
    if not isinstance(value, FUNCTIONS):
        return value  # also callable objects, whose attributes a judge may need

    @functools.wraps(value)
    def watched(*arguments, **named):
        try:
            result = value(*arguments, **named)
        except (Exception, SystemExit) as error:
            if isinstance(error, NotImplementedError) and "implemented for" not in str(error):
                raise NotAttempted from None  # but "… not implemented for 'Half'" is torch's
            heard.append(error)
            raise
        if result is None or result is Ellipsis:
            raise NotAttempted
        return result

    return watched


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Float64 inside; outside, torch's default type and random numbers as if nothing was run."""
    dtype, state = torch.get_default_dtype(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_rng_state(state)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[0].rstrip(".")
