"""Where a training stands, in one file: replaced as a whole, refused if it belongs to another."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


def write(path: Path, tensors: dict[str, Tensor], numbers: dict, schedule: dict) -> None:
    """Keep what a run needs to go on; the old file stays until the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    metadata = {"about": json.dumps({"numbers": numbers, "schedule": schedule})}
    try:
        save_file(tensors, draft, metadata=metadata)
        draft.replace(path)
    except (OSError, SafetensorError) as error:
        draft.unlink(missing_ok=True)
        raise OSError(
            f"the checkpoint {path} could not be written ({error}); make room on the disk and "
            "start again: the training goes on from the last checkpoint."
        ) from error


def read(path: Path, schedule: dict) -> tuple[dict[str, Tensor], dict]:
    """Tensors and numbers of a run, if it is the one of this schedule."""
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        known, numbers = about["schedule"], about["numbers"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as a checkpoint ({error}); "
            "delete it to start from the beginning."
        ) from error
    schedule = json.loads(json.dumps(schedule))
    if known != schedule:
        other = [key for key in schedule if known.get(key) != schedule[key]]
        raise ValueError(
            f"{path} belongs to another training: it differs in {', '.join(other)}; "
            "name another file, or delete this one to start from the beginning."
        )
    return tensors, numbers
