"""Start here: that checks work, and that an experiment says what was run."""

from .rules import code, number, refuse

COMMITTED = {
    "training": {"epochs": 200},
    "seeds": {"first": 0, "count": 5},
    "pairs": {"count": 20, "seed": 101},
}


def of_another_run(provenance: dict) -> None:
    """A provenance of notebooks/reproduce with parameters other than the committed ones."""
    if not isinstance(provenance, dict):
        refuse("give what json.load returns: a dictionary")
    spec, seeds = provenance.get("spec"), provenance.get("seeds")
    if not isinstance(spec, dict) or not isinstance(seeds, list):
        refuse('this is no provenance of that notebook: it has no "spec" or no "seeds"')
    if not all(isinstance(spec.get(part), dict) for part in COMMITTED):
        refuse(f'its "spec" lacks one of {", ".join(COMMITTED)}; give the file as it was written')
    if spec.get("name") == "digits-small" and all(
        spec[part].get(key) == value
        for part, known in COMMITTED.items()
        for key, value in known.items()
    ):
        refuse("these are the committed parameters; run the notebook with others")
    if len(seeds) != spec["seeds"].get("count"):
        refuse("there is one seed a model, and here their numbers differ")


RULES = {
    "0.1": number(
        "6c98c9675ec5d6d8fef0210b4e565adbf12c3728dc00d9d1f0e5e492e2613507",
        decimals=0,
        hints=("Count on your fingers.", "One more than three."),
    ),
    "0.2": code(
        of_another_run,
        hints=(
            "papermill writes the notebook; the notebook writes the folder that `out` names.",
            "Look in runs/mine/ beside the notebook, for provenance.json.",
        ),
    ),
}
