"""Answers to the exercises of chapter 00."""


def provenance(models: int, pairs: int, seeds: int, epochs: int = 200) -> dict:
    """What notebooks/reproduce writes, as far as the check reads it."""
    spec = {
        "name": "digits-small",
        "training": {"epochs": epochs},
        "seeds": {"first": 0, "count": models},
        "pairs": {"count": pairs, "seed": 101},
    }
    return {"spec": spec, "seeds": list(range(seeds))}


SOLUTIONS = {"0.1": 4, "0.2": provenance(models=3, pairs=5, seeds=3)}
STUBS = {"0.1": ..., "0.2": None}
WRONG = {
    "0.1": [5, 22, -4, "four"],
    "0.2": [
        provenance(models=5, pairs=20, seeds=5),
        provenance(models=3, pairs=5, seeds=1),
        {"pairs": 5},
        {"spec": {"pairs": 5}, "seeds": [0, 1, 2]},
        "runs/mine/provenance.json",
    ],
}
