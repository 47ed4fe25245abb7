"""Interactive figures in a notebook, under names that come from what they are."""

import hashlib
import json
import re

from nbformat import NotebookNode, from_dict

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
MODEL = re.compile(r"IPY_MODEL_(\w+)")


def renumber_widgets(notebook: NotebookNode) -> None:
    """Replace the random model ids by hashes of content and place, so that runs give equal bytes.

    Models that no output shows, even through another, are left out: nothing could draw them.
    """
    saved = notebook.metadata.pop("widgets", {}).get(STATE, {"state": {}})
    state, names = saved["state"], {}
    shown = (out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", []))
    waiting = [data[VIEW]["model_id"] for data in shown if VIEW in data]
    while waiting:
        model = waiting.pop(0)
        if model in state and model not in names:
            text = json.dumps(state[model], sort_keys=True)
            waiting = MODEL.findall(text) + waiting  # its parts follow it
            text = f"{len(names)} {MODEL.sub('', text)}"
            names[model] = hashlib.sha256(text.encode()).hexdigest()[:32]
    if names:
        saved["state"] = {old: state[old] for old in names}
        notebook.metadata.widgets = {STATE: saved}
        text = re.sub("|".join(names), lambda old: names[old[0]], json.dumps(notebook))
        notebook.update(from_dict(json.loads(text)))
