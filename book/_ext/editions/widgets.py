"""Interactive figures in a notebook, under names that come from what they are."""

import hashlib
import json
import re
from collections.abc import Iterator

from nbformat import NotebookNode, from_dict

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
MODEL = re.compile(r"IPY_MODEL_(\w+)")


def renumber_widgets(notebook: NotebookNode) -> None:
    """Replace the random model ids by hashes of content and place, so that runs give equal bytes.

    Models that no output shows, even through another, are left out: nothing could draw them, and
    they have no place.
    """
    saved = notebook.metadata.get("widgets", {}).get(STATE)
    if not saved:
        notebook.metadata.pop("widgets", None)
        return
    order = list(dict.fromkeys(shown(notebook, saved["state"])))
    names = {old: name(saved["state"][old], k) for k, old in enumerate(order)}
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    saved = {**saved, "state": {old: saved["state"][old] for old in order}}
    saved, outputs = renamed([saved, outputs], names)
    notebook.metadata.widgets = from_dict({STATE: saved})
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    for cell, fresh in zip(cells, outputs, strict=True):
        cell.outputs = [from_dict(output) for output in fresh]


def shown(notebook: NotebookNode, state: dict) -> Iterator[str]:
    """The models that the outputs show, each followed by those it refers to."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(VIEW)
            if view:
                yield from reachable(view["model_id"], state, set())


def reachable(model: str, state: dict, seen: set[str]) -> Iterator[str]:
    if model in seen or model not in state:
        return
    seen.add(model)
    yield model
    for other in MODEL.findall(json.dumps(state[model]["state"], sort_keys=True)):
        yield from reachable(other, state, seen)


def name(model: dict, place: int) -> str:
    text = MODEL.sub("", json.dumps(model, sort_keys=True))
    return hashlib.sha256(f"{place} {text}".encode()).hexdigest()[:32]


def renamed(thing: list, names: dict[str, str]) -> list:
    if not names:
        return thing
    old = re.compile("|".join(map(re.escape, names)))
    return json.loads(old.sub(lambda found: names[found[0]], json.dumps(thing)))
