"""What this machine cannot run is left out and named at the end; CI leaves out none in silence."""

import os

import pytest
from machine import LACKS, MARKERS

lacking = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[lacking] = {}


def lack(item: pytest.Item) -> str | None:
    """Why this machine cannot run the item, or None."""
    for name, missing in LACKS.items():
        for mark in item.iter_markers(name):
            if reason := missing(mark):
                return f"{name}: {reason}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
