"""Grade an assignment without trusting it: `python contained.py 06-isometry`, on Linux.

Autograding runs the students' code. Here each submission runs by itself in a sandbox made by
bubblewrap (Debian's and Ubuntu's package `bubblewrap`), in which there is no network, no other
submission, no file of yours but Python and its libraries to read, and one empty folder to write
to. The executed notebooks come back to `executed/`, and nbgrader takes the marks from their
outputs, outside, without running anything: the grade book is never where students' code runs.
"""

import os
import resource
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = 16 * 2**30  # bytes of address space for each process; torch alone reserves several 2**30
FILE = 2**30  # bytes: the largest file that it may write
HOURS = 1  # then the whole submission is stopped
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")


def libraries() -> set[Path]:
    """Where Python, its packages and geokit lie: what a notebook needs to read."""
    places = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix)}
    spec = find_spec("geokit")
    if spec is None:
        sys.exit("geokit is not installed here; run this with the Python that has it.")
    return places | {Path(spec.origin).resolve().parent}


def sandbox(course: Path) -> list[str]:
    """The command before a command that must not reach anything but `course`."""
    readable = ["--size", str(FILE), "--tmpfs", "/tmp"]  # first: Python may lie below it
    readable += [word for path in SYSTEM for word in ("--ro-bind-try", path, path)]
    for path in sorted(map(str, libraries())):
        readable += ["--ro-bind", path, path]
    variables = {"HOME": "/tmp", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--proc", "/proc", "--dev", "/dev", *readable, "--clearenv"),
        *(word for name, value in variables.items() for word in ("--setenv", name, value)),
        *("--bind", str(course), "/course", "--chdir", "/course", "--remount-ro", "/"),
    ]


def limit() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, FILE)):
        resource.setrlimit(what, (most, most))


def links(folder: str, names: list[str]) -> list[str]:
    """What not to copy: a link in a submission may lead to any file of yours."""
    return [name for name in names if os.path.islink(os.path.join(folder, name))]


def nbgrader(*words: str) -> list[str]:
    # by the environment's true place, which is the one that the sandbox has
    folder = Path(sys.executable).parent.resolve()
    return [str(folder / Path(sys.executable).name), "-m", "nbgrader", *words]


def run(submission: Path, template: Path, executed: Path) -> str | None:
    """Run one submission; its notebooks go to `executed`. Returns what went wrong, if anything."""
    student, assignment = submission.parts[-2:]
    with TemporaryDirectory() as folder:
        course = Path(folder, "course")
        shutil.copytree(template, course)
        shutil.copytree(submission, course / "submitted" / student / assignment, ignore=links)
        command = [*sandbox(course), *nbgrader("autograde", assignment)]
        try:
            done = subprocess.run(
                command,
                text=True,
                errors="replace",
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=HOURS * 3600,
                preexec_fn=limit,
            )
        except subprocess.TimeoutExpired:
            return f"it ran for more than {HOURS} h"
        results = course / "autograded" / student / assignment
        found = [p for p in results.glob("*.ipynb") if p.is_file() and not p.is_symlink()]
        if done.returncode or not found:
            said = [line.strip() for line in done.stderr.splitlines() if "Error: " in line]
            return (said or done.stderr.splitlines() or ["it left no notebook"])[-1]
        shutil.copytree(submission, executed, ignore=links)
        for path in found:
            shutil.copyfile(path, executed / path.name)
    return None


def main(assignment: str) -> int:
    if not shutil.which("bwrap"):
        sys.exit("there is no bwrap here; install the package bubblewrap, on Linux.")
    if not Path("gradebook.db").exists():
        sys.exit(
            f"there is no grade book here; run nbgrader generate_assignment {assignment} first."
        )
    submissions = sorted(Path("submitted").glob(f"*/{assignment}"))
    if not submissions:
        sys.exit(
            f"there is no submission of {assignment}; put them in submitted/NAME/{assignment}/."
        )
    faults = {}
    with TemporaryDirectory() as folder:
        template = Path(folder)
        shutil.copy("nbgrader_config.py", template)
        shutil.copytree(Path("source", assignment), template / "source" / assignment)
        generate = nbgrader("generate_assignment", assignment)
        subprocess.run(generate, cwd=template, check=True, stderr=subprocess.DEVNULL)
        for submission in submissions:
            executed = Path("executed", *submission.parts[1:])
            if not executed.exists():
                print(submission.parts[1], flush=True)
                if fault := run(submission, template, executed):
                    faults[submission.parts[1]] = fault
    failed = 0
    if list(Path("executed").glob(f"*/{assignment}")):
        there = "--CourseDirectory.submitted_directory=executed"
        failed = subprocess.run(nbgrader("autograde", assignment, "--no-execute", there)).returncode
    for student, fault in faults.items():
        print(f"NOT GRADED {student}: {fault}", file=sys.stderr)
    return 1 if faults else failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python contained.py ASSIGNMENT, in the course folder")
    sys.exit(main(sys.argv[1]))
