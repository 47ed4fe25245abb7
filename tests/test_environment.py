"""The conda environment, the project's own list of packages and the pins say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]


def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(root: Path) -> list[Requirement]:
    """Everything the project and its extras ask for."""
    about = project(root)
    extras = about["optional-dependencies"].values()
    return [Requirement(line) for line in sum(extras, start=list(about["dependencies"]))]


def pins(root: Path) -> dict[str, Version]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("#")[0].strip().split("==") for line in lines)
    return {canonicalize_name(name): Version(version) for name, version in filter(any, pairs)}


def environment_faults(root: Path) -> list[str]:
    """How environment.yml says something else than pyproject.toml."""
    listed = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {re.split(r"[ <>=!]", line)[0]: line for line in listed if isinstance(line, str)}
    pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    about = project(root)
    faults = []
    editable = [re.fullmatch(r"-e \.\[([\w,-]+)\]", line) for line in pip]
    if "-c constraints.txt" not in pip:
        faults.append("pip is not held to constraints.txt")
    if not any(editable):
        faults.append("pip does not install the project itself with its extras")
    else:
        extras = next(filter(None, editable))[1].split(",")
        if set(extras) != set(about["optional-dependencies"]):
            faults.append(f"extras {extras} differ from {sorted(about['optional-dependencies'])}")
    for line in pip:
        if not line.startswith(("-c ", "-e ")):
            faults.append(f"{line} is listed twice: it belongs in pyproject.toml alone")
    allowed = SpecifierSet(conda["python"].removeprefix("python").strip())
    floor = SpecifierSet(about["requires-python"])
    versions = [Version(f"3.{minor}") for minor in range(8, 20)]
    if not (offered := list(allowed.filter(versions))):
        faults.append(f"no Python fits {allowed}")
    faults += [f"Python {v} is offered but not {floor}" for v in offered if v not in floor]
    return faults


def pin_faults(root: Path) -> list[str]:
    """Requirements without a pin, and pins that no longer satisfy their requirement."""
    pinned = pins(root)
    faults = []
    for wanted in requirements(root):
        version = pinned.get(canonicalize_name(wanted.name))
        if version is None:
            faults.append(f"{wanted.name} has no pin in constraints.txt")
        elif version not in wanted.specifier:
            faults.append(f"{wanted} does not allow the pinned {version}")
    return faults


def test_environment_equals_the_project():
    assert environment_faults(ROOT) == []


def test_every_requirement_has_a_pin_that_satisfies_it():
    assert pin_faults(ROOT) == []


def test_no_pin_carries_a_local_label():
    """A build label such as +cpu is not on PyPI: such a pin installs nowhere else."""
    assert [name for name, version in pins(ROOT).items() if version.local] == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "constraints.txt", "environment.yml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("environment.yml", "[book,test,flows,cluster]", "[book]", "extras"),
        ("environment.yml", "- -c constraints.txt", "- tqdm", "not held"),
        ("environment.yml", "- -c constraints.txt", "- -c constraints.txt\n      - tqdm", "twice"),
        ("environment.yml", ">=3.11,<3.13", ">=3.10,<3.13", "Python 3.10"),
        ("pyproject.toml", '"scipy>=1.13"', '"scipy>=99"', "scipy>=99"),
        ("pyproject.toml", '"scipy>=1.13"', '"absent>=1"', "absent has no pin"),
    ],
)
def test_a_difference_is_found(house, name, old, new, found):
    text = (house / name).read_text(encoding="utf-8")
    assert old in text
    (house / name).write_text(text.replace(old, new), encoding="utf-8")
    faults = environment_faults(house) + pin_faults(house)
    assert any(found in fault for fault in faults), faults
