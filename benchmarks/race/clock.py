"""Times of several ways to the same end, taken by turns, and a limit for those that may not end.

Processor time throughout: on one thread it is the time of a clock on a quiet machine, and what
other programs take meanwhile does not count.
"""

import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Times(list):
    """Seconds, one for each run; printed as the median and the quartiles."""

    @property
    def median(self) -> float:
        return statistics.median(self)

    def __str__(self) -> str:
        if len(self) < 2:
            return f"{self[0]:.3g}"
        q1, _, q3 = statistics.quantiles(self, n=4, method="inclusive")
        return f"{self.median:.3g} ({q1:.3g}–{q3:.3g})"


def by_turns(*ways: Callable, repeats: int) -> list[tuple[Times, object]]:
    """Run each way in turn, `repeats` times: its times and its last result.

    By turns, so that a busy spell of the machine meets all of them. A first round does not count,
    unless there is only one.
    """
    times, results = [Times() for _ in ways], [None for _ in ways]
    for turn in range(repeats + (repeats > 1)):
        for i, way in enumerate(ways):
            seconds, results[i] = timed(way)
            if turn or repeats == 1:
                times[i].append(seconds)
    return list(zip(times, results, strict=True))


def timed(way: Callable) -> tuple[float, object]:
    started = time.process_time()
    result = way()
    return time.process_time() - started, result


def one_by_one(solve: Callable, pairs: Iterator, seconds: float) -> tuple[Times, list]:
    """Solve pair after pair for so many seconds in all: what was done by then."""
    times, results = Times(), []
    try:
        with limit(seconds):
            for a, b in pairs:
                spent, result = timed(lambda a=a, b=b: solve(a, b))
                times.append(spent)
                results.append(result)
    except TimeoutError:
        pass
    return times, results


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds (POSIX: by a signal)."""

    def ring(signum, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
