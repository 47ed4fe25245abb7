"""Start here: that checks work, and that an experiment says what was run."""

from .rules import code, number, refuse

COMMITTED = {"pairs": 20, "models": 5}


def of_another_run(provenance: dict) -> None:
    """A provenance of notebooks/reproduce with parameters other than the committed ones."""
    if not isinstance(provenance, dict):
        refuse("give what json.load returns: a dictionary")
    parameters, seeds = provenance.get("parameters"), provenance.get("seeds")
    if not isinstance(parameters, dict) or not isinstance(seeds, list):
        refuse('this is no provenance of that notebook: it has no "parameters" or no "seeds"')
    if all(parameters.get(name) == value for name, value in COMMITTED.items()):
        refuse("these are the committed parameters; run the notebook with others")
    if len(seeds) != parameters.get("models"):
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
            "papermill writes the notebook; the notebook writes its results.",
            "Look in results/reproduce-digits/ beside the notebook, for provenance.json.",
        ),
    ),
}
