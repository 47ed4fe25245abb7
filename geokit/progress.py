"""How far a long loop is: tqdm's bar where tqdm is installed, a line now and then where it is
not."""

import sys
import time
from collections.abc import Iterable, Iterator


def progress(
    items: Iterable | None = None,
    *,
    total: int | None = None,
    initial: int = 0,
    unit: str = "it",
    label: str | None = None,
    show: bool = True,
):
    """What tqdm gives: iterate over it, or call `update()` after each of `total` steps; it shows
    the time left, and beside it what `set_postfix_str` was told."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Lines(items, total, initial, unit, label, show)
    return tqdm(items, desc=label, total=total, initial=initial, unit=unit, disable=not show)


class _Lines:
    """A line on standard error every half minute."""

    every = 30.0  # seconds

    def __init__(self, items, total: int | None, initial: int, unit: str, label, show: bool):
        self.items = items
        self.total = total if total is not None or items is None else len(items)
        self.n = self.initial = initial
        self.what, self.show, self.note = f"{label + ': ' if label else ''}{{}} {unit}", show, ""
        self.begun = self.told = time.monotonic()

    def __iter__(self) -> Iterator:
        for item in self.items:
            yield item
            self.update()

    def update(self) -> None:
        self.n += 1
        now = time.monotonic()
        if self.show and (now - self.told > self.every or self.n == self.total):
            left = (now - self.begun) / (self.n - self.initial) * (self.total - self.n)
            count = self.what.format(f"{self.n}/{self.total}")
            print(f"{count}, {left:.0f} s left {self.note}".rstrip(), file=sys.stderr, flush=True)
            self.told = now

    def set_postfix_str(self, note: str) -> None:
        self.note = f"({note})"

    def close(self) -> None:
        pass
