"""A question of the book, judged in the page: a number to give, or letters to tick."""

import traitlets

from .figure import Figure, module


class Question(Figure):
    """An exercise's number or choice; `check.question` makes it. `given` is what the reader has
    entered: the text of a number, or the letters ticked. Right is what has the hash `sealed`."""

    _esm = module("question.js")
    exercise = traitlets.Unicode().tag(sync=True)
    sealed = traitlets.Unicode().tag(sync=True)
    salt = traitlets.Unicode().tag(sync=True)
    rounds = traitlets.Int().tag(sync=True)
    decimals = traitlets.Int(None, allow_none=True).tag(sync=True)
    options = traitlets.Unicode().tag(sync=True)
    hints = traitlets.Tuple().tag(sync=True)
    given = traitlets.Unicode().tag(sync=True)

    @traitlets.default("label")
    def _label(self) -> str:
        return f"Check your answer to exercise {self.exercise}"

    @traitlets.validate("given")
    def _ticked(self, proposal: dict) -> str:
        letters = "".join(sorted(set(proposal.value.lower())))
        if not self.options:
            return proposal.value
        if not set(letters) <= set(self.options):
            raise ValueError(
                f"given is {proposal.value!r}; this question has the letters {self.options}: "
                "give some of these."
            )
        return letters
