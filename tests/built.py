"""What every built page must hold: each check reads one HTML file and names the faults in it."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from policy import alt_faults

WIDGET = "application/vnd.jupyter.widget-"


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def ids(path: Path) -> Counter:
    return Counter(tag["id"] for tag in soup(path).find_all(id=True))


def image_faults(path: Path) -> list[str]:
    """Images whose alt text is missing, a file name, their caption, or that of another image."""
    faults, seen = [], {}
    for image in soup(path).select("main img, article img"):
        name, alt = Path(image.get("src", "")).name, image.get("alt", "")
        figure = image.find_parent("figure")
        caption = figure.select_one(".caption-text") if figure else None
        faults += alt_faults(name, alt, caption.get_text() if caption else "")
        if alt.endswith((".png", ".svg", ".jpg", ".jpeg", ".gif")):
            faults.append(f"{name} has a file name for alt text")
        elif seen.setdefault(alt, name) != name:
            faults.append(f"{name} has the alt text of {seen[alt]}")
    return faults


def widget_faults(path: Path) -> list[str]:
    """Interactive figures that a page without a kernel cannot draw, or that have no name."""
    page, states, faults = soup(path), {}, []
    for script in page.find_all("script", type=f"{WIDGET}state+json"):
        states |= json.loads(script.string)["state"]
    for script in page.find_all("script", type=f"{WIDGET}view+json"):
        model = json.loads(script.string)["model_id"]
        entry = states.get(model)
        if entry is None:
            faults.append(f"widget {model} was saved without its state")
        elif entry["model_module"] != "anywidget":
            faults.append(f"widget {model} is a {entry['model_name']}, not an anywidget")
        elif not entry["state"].get("label", "").strip():
            faults.append(f"widget {model} has no label for those who cannot see it")
    return faults


def id_faults(path: Path) -> list[str]:
    return [f"{n} elements have the id {name}" for name, n in ids(path).items() if n > 1]


def link_faults(path: Path) -> list[str]:
    """Links and sources inside the site that lead nowhere."""
    faults = []
    for tag in soup(path).find_all(["a", "link", "script", "img"]):
        link = tag.get("href") or tag.get("src") or ""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not link:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            faults.append(f"{link} leads to no file")
        elif (
            parts.fragment
            and target.suffix == ".html"
            and unquote(parts.fragment) not in ids(target)
        ):
            faults.append(f"{link} leads to no place on that page")
    return faults
