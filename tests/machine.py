"""What a test may need and a machine may lack: a browser, large data, a GPU, other libraries."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

MARKERS = {
    "browser": "looks at the built pages in Chromium",
    "data": "reads the large image files below GEOKIT_DATA",
    "gpu": "needs a CUDA device",
    "peers(*modules)": "compares with other libraries, named by their import names",
}


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def missing_browser(_: pytest.Mark) -> str | None:
    return None if chromium() else "no Chromium: install the package chromium"


def missing_data(_: pytest.Mark) -> str | None:
    folder = os.environ.get("GEOKIT_DATA")
    if not folder:
        return "GEOKIT_DATA is not set"
    return None if Path(folder).is_dir() else f"GEOKIT_DATA={folder} is not a folder"


def missing_gpu(_: pytest.Mark) -> str | None:
    import torch  # late: only a run that has such tests pays for it

    return None if torch.cuda.is_available() else "no CUDA device"


def missing_peers(mark: pytest.Mark) -> str | None:
    absent = [name for name in mark.args if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


LACKS = {
    "browser": missing_browser,
    "data": missing_data,
    "gpu": missing_gpu,
    "peers": missing_peers,
}
