"""Where the published book lies: its repository, and the addresses of files on its branch."""

import os
import re
from pathlib import Path

import yaml

BRANCH = "gh-pages"
GITHUB = "https://github.com/"
NAME = "geometry-of-latent-spaces"  # of the PDF, the zip and its folder


def repository(root: Path) -> str | None:
    """`owner/name`, from GitHub's workflow or from `repository: url:` in _config.yml, or None.

    Raises:
        ValueError: what was given is no repository on GitHub.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    given = os.environ.get("GITHUB_REPOSITORY") or (config.get("repository") or {}).get("url")
    if not given:
        return None
    name = given.removeprefix(GITHUB).removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"[\w-]+/[\w.-]+", name):
        raise ValueError(
            f"The repository is given as {given!r}, and owner/name on GitHub is needed: mend the "
            f"environment variable GITHUB_REPOSITORY, or `repository: url:` in _config.yml."
        )
    return name


def requirement(name: str) -> str:
    """The library for pip, at the commit of the pages where GitHub's workflow tells it."""
    commit = os.environ.get("GITHUB_SHA")
    return f"geokit[flows] @ git+{GITHUB}{name}" + (f"@{commit}" if commit else "")


def colab(name: str, notebook: str) -> str:
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{notebook}"


def binder(name: str, notebook: str) -> str:
    return f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/{notebook}"


def raw(name: str, file: str) -> str:
    """A file of the branch as it is, which a notebook elsewhere may fetch."""
    return f"https://raw.githubusercontent.com/{name}/{BRANCH}/{file}"


def page(name: str, file: str) -> str:
    """A file of the published site."""
    owner, project = name.split("/")
    return f"https://{owner}.github.io/{project}/{file}"
