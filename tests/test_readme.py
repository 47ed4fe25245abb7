"""What the README says holds: its example prints what it shows, and its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


@pytest.mark.slow
def test_the_example_prints_what_the_readme_shows():
    (code,), (shown, *_) = blocks("python"), blocks("text")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == shown


def test_the_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    words = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:^|`|cpu )make (\w+)", words, re.M))
    assert {"book", "test", "notebooks", "help"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_links_and_folders_are_there():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    for folder in re.findall(r"^(\w+/) ", blocks("text")[1], re.M):
        assert (ROOT / folder).is_dir(), folder


def test_the_parameters_of_the_gpu_command_are_those_of_the_notebook():
    notebook = (ROOT / "notebooks/reproduce.md").read_text(encoding="utf-8")
    parameters = re.search(r":tags: \[parameters\]\n\n(.*?)```", notebook, re.S)[1]
    known = set(re.findall(r"^(\w+) =", parameters, re.M))
    command = next(b for b in blocks("bash") if "papermill" in b)
    asked = set(re.findall(r"-p (\w+)", command))
    assert asked
    assert asked <= known


def test_the_citation_file_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"]
    assert citation["title"]
    bibliography = (ROOT / "book/references.bib").read_text(encoding="utf-8")
    for paper in citation["references"]:
        assert paper["url"] in bibliography, paper["title"]
