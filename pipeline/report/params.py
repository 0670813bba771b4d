"""`params/report.yaml`: the study in its author's words, subgroups, sample size, answers to the checklists."""

from posixpath import normpath

from pydantic import Field

from pipeline.foundation.params import Params
from pipeline.report.tables.checklists import ChecklistAnswers
from pipeline.report.tables.sample_size import SampleSizeParams
from pipeline.report.tables.subgroup_levels import SubgroupParams


class StudyWords(Params):
    """The study in its author's words; an empty entry prints "for the author"."""

    question: str
    population: str
    outcome: str
    positive_class: str
    horizon: str


NO_WORDS = StudyWords(question="", population="", outcome="", positive_class="", horizon="")
NO_TITLE = "Radiomics and deep features"


class ReportParams(Params):
    """`params/report.yaml`."""

    describes: str = Field(min_length=1)
    title: str = Field(min_length=1)
    synthetic: bool
    study: StudyWords
    top_features: int = Field(ge=1, le=200)
    subgroups: SubgroupParams = SubgroupParams()
    sample_size: SampleSizeParams = SampleSizeParams()
    checklists: ChecklistAnswers = ChecklistAnswers()

    def about(self, root: str) -> "ReportParams":
        """These params for the study at `root`: without title, words and `synthetic` if they describe another one."""
        if normpath(self.describes) == normpath(root):
            return self
        return self.model_copy(update={"title": NO_TITLE, "synthetic": False, "study": NO_WORDS})
