"""What a machine lacks is named, never passed over: the summary and CI's rules, seen at work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAMPLE = """\
import pytest

def test_plain(): pass

@pytest.mark.data
def test_one(): pass

@pytest.mark.data
def test_two(): pass

@pytest.mark.peers("no_such_library")
def test_race(): pass

@pytest.mark.browser
def test_page(): pass
"""
SKIPS = "import pytest\n\ndef test_plain(): pytest.skip('not today')\n"


@pytest.fixture
def run(tmp_path):
    """Run pytest on a sample beside our conftest, on a machine with a browser or without."""
    for name in ("conftest.py", "machine.py"):
        shutil.copy(HERE / name, tmp_path / name)
    programs = tmp_path / "bin"
    programs.mkdir()

    def run(sample: str, *words: str, browser: bool = True, **environment: str):
        (tmp_path / "test_sample.py").write_text(sample)
        if browser:
            (programs / "chromium").write_text("#!/bin/sh\n")
            (programs / "chromium").chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GEOKIT_DATA")}
        kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # nbval and others take seconds to load
        command = [
            sys.executable,
            "-m",
            "pytest",
            *("-p", "no:cacheprovider", "-p", "xdist"),
            *words,
            "test_sample.py",
        ]
        environment = kept | {"PATH": str(programs)} | environment
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.mark.parametrize("words", [(), ("-n", "2", "--dist", "loadfile")])
def test_what_is_left_out_is_named_with_count_and_reason(run, words):
    shown = run(SAMPLE, *words)
    assert shown.returncode == 0, shown.stdout
    assert re.search(r"^ +2  data: GEOKIT_DATA is not set  \(test_sample.py\)$", shown.stdout, re.M)
    assert re.search(r"^ +1  peers: not installed: no_such_library ", shown.stdout, re.M)
    assert "browser:" not in shown.stdout
    assert "2 passed" in shown.stdout.splitlines()[-1]


def test_nothing_is_left_out_where_nothing_lacks(run, tmp_path):
    shown = run(SAMPLE.replace("no_such_library", "pytest"), GEOKIT_DATA=str(tmp_path))
    assert "5 passed" in shown.stdout.splitlines()[-1]
    assert "left out" not in shown.stdout


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_skip_fails_in_ci(run, ci, code):
    shown = run(SKIPS, "-n", "2", CI=ci)
    assert shown.returncode == code, shown.stdout
    assert ("skipped: test_sample.py::test_plain" in shown.stdout) == bool(code)


def test_a_module_that_skips_itself_fails_in_ci(run):
    shown = run("import pytest\npytest.importorskip('no_such_library')\n" + SAMPLE, CI="true")
    assert shown.returncode != 0


def test_ci_without_the_data_may_leave_it_out(run):
    assert run(SAMPLE, CI="true").returncode == 0


def test_ci_beside_the_data_leaves_out_no_browser_test(run, tmp_path):
    shown = run(SAMPLE, "-n", "2", browser=False, CI="true", GEOKIT_DATA=str(tmp_path))
    assert shown.returncode == 1
    assert "left out: browser: no Chromium" in shown.stdout


def test_ci_with_a_wrong_data_folder_fails(run, tmp_path):
    shown = run(SAMPLE, CI="true", GEOKIT_DATA=str(tmp_path / "gone"))
    assert shown.returncode == 1
    assert "left out: data:" in shown.stdout
