"""The course folder's settings for nbgrader 0.9: read at each call of `nbgrader` in this folder.

Nothing here names a folder or a machine, so the course folder can be moved. What each setting
is for stands beside it; nbgrader's other settings keep their defaults (`nbgrader --help-all`).
"""

import os
import sys
import warnings
from pathlib import Path

from nbconvert.preprocessors import TagRemovePreprocessor
from nbgrader.converters import Autograde
from nbgrader.preprocessors import DeduplicateIds, OverwriteCells

# `get_config` is put there by whoever reads this file
c = get_config()

# nbgrader calls `alembic`, which lies beside the Python that runs it: no need to activate anything
here = str(Path(sys.executable).parent)
if here not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])
# what nbgrader's own database code warns of is not the teacher's business
warnings.filterwarnings("ignore", module=r"nbgrader\.api")

# The name of the course in the grade book; change it before the first command or not at all.
c.CourseDirectory.course_id = "geometry-of-latent-spaces"

# generate_assignment: cells that are solution only go first, then nbgrader does its own work.
c.GenerateAssignment.preprocessors.prepend([TagRemovePreprocessor])
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"solution"}
# What stands where the solution was. It must run: an untouched notebook runs from top to bottom.
c.ClearSolutions.code_stub = {
    "python": "# Write your answer here, under this name: the points go by this cell."
}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# zip_collect: whose a file is. The name comes first, then what the platform adds, such as
# bob_123_file_06-isometry (1).ipynb; change this where yours has other names.
c.FileNameCollectorPlugin.named_regexp = (
    r".*[/\\](?P<student_id>[^_/\\]+)_.*?(?P<file_id>\d\d-[a-z-]*[a-z])"
)

# autograde: a cell may take this long (seconds), then it is stopped and the next one runs.
c.Execute.timeout = 120
# An interrupted cell may need this long to let go; after that the submission is left ungraded.
c.Execute.iopub_timeout = 30
# A warning on stderr is no wrong answer; without this it would cost all points of the test.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "(?s).*"

# generate_feedback, formgrader: scripts in a submission's outputs do not run in your browser.
c.HTMLExporter.sanitize_html = True


class ForgetCopies(DeduplicateIds):
    """A cell that was copied, or whose nbgrader metadata were damaged, is an ordinary cell.

    nbgrader itself empties the metadata of a copy, finds the empty metadata too old to read, and
    stops the run for everyone.
    """

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("schema_version") != 3:
                cell.metadata.pop("nbgrader", None)
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells:
            if cell.metadata.get("nbgrader") == {}:
                del cell.metadata["nbgrader"]
        return nb, resources


class AddMissingTests(OverwriteCells):
    """Tests that the student has deleted come back, at the end of the notebook.

    nbgrader's own way puts each behind the cell that was before it, and fails if that is gone too.
    """

    def add_missing_grade_cells(self, nb, resources):
        master = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        sources = {cell.name: cell for cell in master.source_cells}
        written = {cell.name for cell in master.solution_cells}
        there = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        for cell in master.grade_cells:
            if cell.name not in there:
                self.log.warning(f"{cell.name} was missing and has been added at the end")
                source, by_hand = sources[cell.name], cell.name in written
                nb.cells.append(self.missing_cell_transform(source, cell.max_score, by_hand))
        return nb, resources


mended = {DeduplicateIds: ForgetCopies, OverwriteCells: AddMissingTests}
c.Autograde.sanitize_preprocessors = [
    mended.get(step, step) for step in Autograde.class_traits()["sanitize_preprocessors"].default()
]
c.OverwriteCells.add_missing_cells = True
