"""A check says "correct" to right answers only, gives nothing away, and disturbs nothing."""

import functools
import importlib
import itertools
import pkgutil
import random
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import answers
import numpy as np
import pytest
import torch
from examples import as_users_call
from hypothesis import given
from hypothesis import strategies as st

from geokit import check
from geokit.check import rules
from geokit.check.rules import choice, code, number, refuse, seal

HINTS = ("think of it", "compute it")
GIVEN = {
    name: importlib.import_module(f"answers.{name}")
    for name in sorted(module.name for module in pkgutil.iter_modules(answers.__path__))
}
SOLUTIONS, STUBS, WRONG = (
    {k: v for module in GIVEN.values() for k, v in getattr(module, part).items()}
    for part in ("SOLUTIONS", "STUBS", "WRONG")
)


@pytest.fixture
def exercises(monkeypatch):
    """A table of exercises made up by a test; no hint is given yet."""
    made_up = {}
    monkeypatch.setattr(check, "table", lambda: made_up)
    monkeypatch.setattr(check, "_given", type(check._given)())
    return made_up


def test_every_exercise_has_a_solution_a_stub_and_wrong_answers():
    assert set(check.table()) == set(SOLUTIONS) == set(STUBS) == set(WRONG)
    assert [k for k, wrong in WRONG.items() if len(wrong) < 3] == []


def test_every_rule_is_in_the_file_of_its_chapter():
    for name, module in GIVEN.items():
        held = importlib.import_module(f"geokit.check.{name}").RULES
        chapter = str(int(name.removeprefix("chapter_")))
        assert set(held) == set(module.SOLUTIONS)
        assert [k.partition(".")[0] for k in held] == [chapter] * len(held)


@pytest.fixture
def undisturbed():
    """Random numbers and the default type are as before, whatever a check has run."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.slow
@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_the_solution_is_correct_and_the_stub_not_attempted(exercise, undisturbed):
    assert check.answer(exercise, SOLUTIONS[exercise]) == "correct"
    for untouched in (STUBS[exercise], None, ...):
        assert check.answer(exercise, untouched) == "not attempted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise", "wrong"), [(k, wrong) for k, several in WRONG.items() for wrong in several]
)
def test_a_wrong_answer_is_told_so_in_one_sentence(exercise, wrong, undisturbed):
    said = check.answer(exercise, wrong)
    assert said.startswith("not yet: ")
    assert said.endswith(".")
    assert "\n" not in said


def test_what_a_judge_or_the_reader_disturbs_is_restored(exercises):
    def judge(f):
        torch.rand(3)
        f()

    def unruly():
        assert torch.get_default_dtype() == torch.float64  # judged in double precision
        torch.manual_seed(5)
        torch.set_default_dtype(torch.float16)
        raise ValueError("no")

    exercises["9.1"] = code(judge, hints=HINTS)
    before = torch.get_rng_state()
    assert "ValueError: no" in check.answer("9.1", unruly)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    "value",
    [
        *(0.1234, "0.123", " 1.23e-1 ", 0.122, 0.124),
        *(np.float32(0.123), np.array([0.1229]), torch.tensor(0.1225)),
        torch.tensor(0.123, requires_grad=True),
    ],
)
def test_a_number_may_come_in_any_clothes_and_be_off_by_one_in_the_last_decimal(value, exercises):
    exercises["9.1"] = number(seal("9.1", 0.1231, decimals=3), decimals=3, hints=HINTS)
    assert check.answer("9.1", value) == "correct"


@pytest.mark.parametrize("value", [0.121, 0.125, -0.123, 123, "0.2", 0, torch.tensor(0.1205)])
def test_a_number_off_by_more_is_not_accepted(value, exercises):
    exercises["9.1"] = number(seal("9.1", 0.123, decimals=3), decimals=3, hints=HINTS)
    said = check.answer("9.1", value)
    assert said == "not yet: this is not the number we found, to 3 decimals."


@pytest.mark.parametrize(
    "value",
    [
        *(1j, 0.123 + 0j, float("nan"), float("-inf"), 1e308, 10**400, True, np.True_),
        *("a", "0,123", "0.1 23", "1e", ".", "0x1", "1_0", "١", "+-1", "nan", "-inf", "1e400"),
        *(b"0.123", [0.123], print, np.array([1, 2]), torch.tensor(True)),
        torch.tensor([0.123, 0.123]),
    ],
)
def test_what_is_no_number_is_named(value, exercises):
    exercises["9.1"] = number(seal("9.1", 0.123, decimals=3), decimals=3, hints=HINTS)
    assert check.answer("9.1", value) in (
        "not yet: give a number.",
        "not yet: give a smaller number.",
    )


@pytest.mark.parametrize("value", ["-0.123", "−0.123", " -.123\t", "−12.3E-2", -0.123])
def test_a_negative_number_may_have_the_minus_sign_that_the_book_prints(value, exercises):
    exercises["9.1"] = number(seal("9.1", -0.123, decimals=3), decimals=3, hints=HINTS)
    assert check.answer("9.1", value) == "correct"


def test_a_very_long_number_is_read_at_once(exercises):
    exercises["9.1"] = number(seal("9.1", 64, decimals=0), decimals=0, hints=HINTS)
    assert check.answer("9.1", "9" * 1_000_000 + "x") == "not yet: give a number."


@pytest.mark.parametrize("blank", ["", " ", "\t "])
def test_a_blank_text_is_not_an_attempt(blank, exercises):
    exercises["9.1"] = number(seal("9.1", 64, decimals=0), decimals=0, hints=HINTS)
    exercises["9.2"] = choice(seal("9.2", "bd"), options="abcd", hints=HINTS)
    exercises["9.3"] = code(squares, hints=HINTS)
    assert [check.answer(i, blank) for i in exercises] == ["not attempted"] * 3


def test_an_integer_must_be_exact(exercises):
    exercises["9.1"] = number(seal("9.1", 64, decimals=0), decimals=0, hints=HINTS)
    assert [check.answer("9.1", n) == "correct" for n in (63, 64, 65)] == [False, True, False]
    assert check.answer("9.1", 64.2) == "not yet: give a whole number."


def test_the_number_of_an_exercise_may_come_without_quotes(exercises):
    exercises["9.1"] = number(seal("9.1", 64, decimals=0), decimals=0, hints=HINTS)
    assert check.answer(9.1, 64) == "correct"


@pytest.mark.parametrize(
    "value", ["bd", "DB", "b, d", "(b), (d).", ["b", "d"], {"d", "b"}, ("D", "b"), "b d b"]
)
def test_letters_may_come_in_any_order_and_case(value, exercises):
    exercises["9.1"] = choice(seal("9.1", "bd"), options="abcde", hints=HINTS)
    assert check.answer("9.1", value) == "correct"


@pytest.mark.parametrize("value", ["b", "abd", ",", "x", [1, 2], ["b", None], 3.0, {"b": "d"}])
def test_other_letters_are_not_accepted(value, exercises):
    exercises["9.1"] = choice(seal("9.1", "bd"), options="abcde", hints=HINTS)
    assert check.answer("9.1", value).startswith("not yet: ")


def squares(f):
    """A judge: f squares."""
    for x in (2.0, 3.0):
        if f(x) != x**2:
            refuse(f"at {x} it gives {f(x)}.")


class Decoder(torch.nn.Module):
    def forward(self, x):
        return x**2


def stub(x): ...


def todo(x):
    raise NotImplementedError("your code here")


def no_kernel(x):
    raise NotImplementedError("\"square_cpu\" not implemented for 'Half'")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda x: x**2, "correct"),
        (Decoder(), "correct"),
        (functools.partial(pow, exp=2), "correct"),
        (stub, "not attempted"),
        (todo, "not attempted"),
        (functools.partial(stub), "not attempted"),
        (lambda x: 4.0, "not yet: at 3.0 it gives 4.0."),
        (lambda x: x + "a", "not yet: your function raised TypeError: unsupported operand"),
        (lambda x: sys.exit(), "not yet: your function raised SystemExit: no message."),
        (lambda x: f"{x:d}\n", "not yet: your function raised ValueError: Unknown format code"),
        (no_kernel, "not yet: your function raised NotImplementedError: "),
        (lambda: 4.0, "not yet: your function raised TypeError: "),
        (lambda x: torch.ones(2), "not yet: your function, or what it returns, does not fit ("),
        (3, "not yet: give the function itself, not a value of it."),
        ("ab", "not yet: give the function itself"),
    ],
)
def test_code_is_tried_out_and_its_errors_are_told(value, said, exercises):
    exercises["9.1"] = code(squares, hints=HINTS)
    assert check.answer("9.1", value).startswith(said)


def test_stubs_among_several_functions_are_found(exercises):
    exercises["9.1"] = code(lambda both: squares(both[0]) or squares(both[1]), hints=HINTS)
    assert check.answer("9.1", (abs, ...)) == "not attempted"
    assert check.answer("9.1", [lambda x: x**2, stub]) == "not attempted"
    assert check.answer("9.1", [lambda x: x**2, Decoder()]) == "correct"


def test_a_record_may_hold_none(exercises):
    exercises["9.1"] = code(lambda record: squares(record["f"]), hints=HINTS)
    assert check.answer("9.1", {"f": Decoder(), "gpu": None}) == "correct"
    assert check.answer("9.1", {"f": stub}) == "not attempted"


def test_stopping_a_check_by_hand_stops_it(exercises):
    def endless(x):
        raise KeyboardInterrupt

    exercises["9.1"] = code(squares, hints=HINTS)
    with pytest.raises(KeyboardInterrupt):
        check.answer("9.1", endless)


class Hostile:
    """Nothing can be asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError("no")

    def __str__(self):
        raise RuntimeError("no")


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text()
nested = st.recursive(
    plain | st.binary(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some) | st.tuples(some, some),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SOLUTIONS)), nested)
def test_junk_is_never_correct_by_its_type_and_never_an_error(exercise, junk):
    assert check.answer(exercise, junk).startswith(("correct", "not "))


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_not_even_a_hostile_object_is_an_error(exercise):
    for junk in (Hostile(), Hostile, [Hostile()], object(), np.zeros((2, 2)), random.Random(0)):
        assert check.answer(exercise, junk).startswith("not ")


def test_an_unknown_exercise_names_those_there_are():
    with as_users_call():
        for unknown in ("9.99", "", 7, None, [], ("2.2",)):
            for said in (check.answer(unknown, 1), check.hint(unknown)):
                assert said.startswith(f"there is no exercise {unknown}; there are ")
                assert all(f" {exercise}" in said for exercise in check.table())


def test_hints_come_one_after_the_other_and_the_last_stays(exercises):
    exercises["9.1"] = exercises["9.2"] = code(squares, hints=("think", "look", "square"))
    said = [check.hint("9.1") for _ in range(4)]
    assert said[:3] == ["hint 1 of 3: think", "hint 2 of 3: look", "hint 3 of 3: square"]
    assert said[3] == said[2]
    assert check.hint("9.2") == "hint 1 of 3: think"


def test_every_exercise_has_graded_hints():
    for exercise, rule in check.table().items():
        assert len(set(rule.hints)) == len(rule.hints) >= 2, exercise
        assert all(hint[-1] in ".?" for hint in rule.hints), exercise


@pytest.mark.parametrize("exercise", ["7.1", "7.3"])
def test_a_refusal_shows_a_value_that_is_wrong(exercise):
    """It once showed the first, which may be right: "is 0.250, and yours is 0.250"."""
    right = SOLUTIONS[exercise]
    said = check.answer(exercise, lambda *given: right(*given) + torch.arange(len(right(*given))))
    wanted, yours = re.findall(r"is (-?\d+\.\d+)", said)
    assert wanted != yours


def test_a_curvature_that_is_not_a_number_is_told_what_may_help():
    """`vmap` of two `jacfwd` of `torch.linalg.solve` is NaN at some points on torch 2.13."""
    right = SOLUTIONS["7.1"]
    said = check.answer("7.1", lambda G, z: right(G, z).where(z[:, 0] != z[1, 0], torch.nan))
    assert said.endswith("yours is nan; try torch.linalg.inv in place of solve.")


@pytest.mark.parametrize("n", [32, 100, 256])
def test_the_energy_of_few_chords_may_be_below_the_square_of_a_length_from_many(n):
    """E ≥ L² holds for chords of one grid, and hint 2 of exercise 5.2 asks for two."""

    def solver(f, a, b):
        curve, *_ = SOLUTIONS["5.2"](f, a, b)
        few, many = (
            f(curve(torch.linspace(0, 1, k + 1, dtype=a.dtype))).diff(dim=0) for k in (n, 2000)
        )
        return curve, many.norm(dim=-1).sum(), n * few.square().sum()

    assert check.answer("5.2", solver) == "correct"


def test_a_length_that_carries_a_gradient_is_read_without_a_warning():
    def solver(f, a, b):
        curve, L, E = SOLUTIONS["5.2"](f, a, b)
        return curve, L.requires_grad_(), E.requires_grad_()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check.answer("5.2", solver) == "correct"


def test_equal_answers_of_two_exercises_have_different_seals():
    assert seal("9.1", "bd") != seal("9.2", "bd")
    assert seal("9.1", 0.123, decimals=3) != seal("9.2", 0.123, decimals=3)


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_a_page_can_ask_for_numbers_and_choices_and_for_nothing_else(exercise):
    if not isinstance(SOLUTIONS[exercise], str | int | float):
        with pytest.raises(ValueError, match=f"exercise {exercise} asks for neither a number nor"):
            check.question(exercise)
        return
    question = check.question(exercise)
    assert question.hints == check.table()[exercise].hints
    if isinstance(SOLUTIONS[exercise], str):
        assert question.decimals is None
        assert set(SOLUTIONS[exercise]) <= set(question.options)
    else:
        assert question.decimals >= 0
        assert question.options == ""


def test_a_page_cannot_ask_what_there_is_not():
    with pytest.raises(ValueError, match=r"there is no exercise 9\.99; there are 0\.1, 0\.2, "):
        check.question("9.99")


def test_the_answer_enters_the_page_only_as_its_hash(exercises):
    """The state that is saved with a page is the same for every answer, but for `sealed`."""
    states = []
    for letters, value in (("a", 12.5), ("bcd", -3.25)):
        exercises["9.1"] = choice(seal("9.1", letters), options="abcd", hints=HINTS)
        exercises["9.2"] = number(seal("9.2", value, decimals=2), decimals=2, hints=HINTS)
        states += [[check.question(i).get_state() for i in exercises]]
    for one, other in zip(*states, strict=True):
        different = {key for key in one if one[key] != other[key]}
        assert different == {"layout", "sealed"}  # `layout` is the name of another widget


def test_what_is_given_in_the_page_is_pythons_too(exercises):
    exercises["9.1"] = choice(seal("9.1", "bd"), options="abcd", hints=HINTS)
    exercises["9.2"] = number(seal("9.2", 1.5, decimals=1), decimals=1, hints=HINTS)
    for exercise, entered in (("9.1", "bd"), ("9.2", "1.5")):
        question = check.question(exercise)
        data = {"method": "update", "state": {"given": entered}, "buffer_paths": []}
        question.comm.handle_msg({"content": {"data": data}, "buffers": []})
        assert check.answer(exercise, question.given) == "correct"
    letters = check.question("9.1")
    letters.given = "DBB"
    assert letters.given == "bd"
    with pytest.raises(ValueError, match="given is 'bx'; this question has the letters abcd"):
        letters.given = "bx"
    assert letters.given == "bd"


def test_checks_work_where_no_widget_can_be_drawn():
    """`anywidget` is asked for by `question` alone."""
    program = (
        "import sys; sys.modules['anywidget'] = None\n"
        "from geokit import check\n"
        "print(check.answer('0.1', 4))\n"
        "try: check.question('0.1')\n"
        "except ModuleNotFoundError as error: print(error.name)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.split() == ["correct", "anywidget"], ran.stderr


def test_numbers_and_choices_are_sealed_and_their_files_do_not_show_the_number():
    for exercise, solution in SOLUTIONS.items():
        if isinstance(solution, str | int | float):
            assert len(check.table()[exercise].sealed) == 64, exercise
        if isinstance(solution, float):
            chapter = f"chapter_{int(exercise.partition('.')[0]):02d}.py"
            source = (Path(check.__file__).parent / chapter).read_text(encoding="utf-8")
            assert f"{abs(solution):.3f}" not in source, exercise


def test_trying_out_numbers_takes_longer_than_a_check():
    """All numbers below ten with three decimals take seconds, one check stays below 50 ms."""

    def seconds(n: int) -> float:
        start = time.perf_counter()
        for i in range(n):
            rules._hash("9.1", str(i))
        return (time.perf_counter() - start) / n

    once = min(seconds(3) for _ in range(5))
    assert 3 * once < 0.05
    assert 10_000 * once > 2


def test_a_rule_that_could_not_work_is_refused():
    with as_users_call():
        with pytest.raises(ValueError, match="tuple of sentences"):
            code(squares, hints="one string")
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            choice("bd", options="abcd", hints=HINTS)


def test_the_table_is_in_the_order_of_the_book():
    ids = [tuple(map(int, exercise.split("."))) for exercise in check.table()]
    assert all(one < other for one, other in itertools.pairwise(ids))
