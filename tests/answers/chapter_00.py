"""Answers to the exercises of chapter 00."""

OTHER = {"parameters": {"pairs": 5, "models": 2}, "seeds": [0, 1]}

SOLUTIONS = {"0.1": 4, "0.2": OTHER}
STUBS = {"0.1": ..., "0.2": None}
WRONG = {
    "0.1": [5, 22, -4, "four"],
    "0.2": [
        {"parameters": {"pairs": 20, "models": 5}, "seeds": [0, 1, 2, 3, 4]},
        {"parameters": {"pairs": 5, "models": 2}, "seeds": [0]},
        {"pairs": 5},
        "results/reproduce-digits/provenance.json",
    ],
}
