"""What this machine cannot run is left out and named at the end; CI leaves out none in silence."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from machine import LACKS, LONGEST, MARKERS, needs

ROOT = Path(__file__).parents[1]

# the same examples in every run, and few; at night many, and new ones
settings.register_profile("default", deadline=None, derandomize=True, max_examples=15)
settings.register_profile("full", deadline=None, max_examples=300, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

lacking = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[lacking] = {}


@pytest.fixture(scope="session")
def site() -> Path:
    """The pages of the built book."""
    if not (ROOT / "_build/html/index.html").exists():
        pytest.fail("There is no built book in _build/html: run `make book` first.", pytrace=False)
    return ROOT / "_build/html"


@pytest.fixture(scope="session")
def course() -> Path:
    """The editions of the whole book."""
    if not (ROOT / "_build/course/student/html").exists():
        pytest.fail("There is no course in _build/course: run `make course` first.", pytrace=False)
    return ROOT / "_build/course"


def lack(item: pytest.Item) -> str | None:
    """Why this machine cannot run the item, or None."""
    for name, missing in LACKS.items():
        for mark in item.iter_markers(name):
            if reason := missing(mark):
                return f"{name}: {reason}"
    return None


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for mark in needs(item):
            item.add_marker(mark)
    items.sort(key=lambda item: item.path.stem not in LONGEST)
    reasons = {item: lack(item) for item in items}
    for item, reason in reasons.items():
        if reason:
            config.stash[lacking].setdefault(reason, []).append(item.nodeid)
    config.hook.pytest_deselected(items=[item for item in items if reasons[item]])
    items[:] = [item for item in items if not reasons[item]]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its list to the run that closes; there, CI turns silence into failure."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["lacking"] = session.config.stash[lacking]
    elif faults_in_ci(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    # every worker collects everything, so each brings the same list
    node.config.stash[lacking].update(getattr(node, "workeroutput", {}).get("lacking", {}))


def faults_in_ci(config: pytest.Config) -> list[str]:
    """With CI=true a skip; with GEOKIT_DATA too, `browser` or `data` left out."""
    if os.environ.get("CI") != "true":
        return []
    skipped = config.pluginmanager.get_plugin("terminalreporter").stats.get("skipped", [])
    faults = [f"skipped: {report.nodeid}" for report in skipped]
    if os.environ.get("GEOKIT_DATA"):
        required = ("browser:", "data:")
        faults += [f"left out: {r}" for r in config.stash[lacking] if r.startswith(required)]
    return faults


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if config.stash[lacking]:
        terminalreporter.section("left out, because this machine lacks what they need")
    for reason, tests in sorted(config.stash[lacking].items()):
        files = sorted({nodeid.partition("::")[0] for nodeid in tests})
        terminalreporter.write_line(f"{len(tests):4d}  {reason}  ({', '.join(files)})")
    if faults := faults_in_ci(config):
        terminalreporter.section("not allowed in CI")
    for fault in faults:
        terminalreporter.write_line(fault, red=True)
