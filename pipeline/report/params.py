"""`params/report.yaml`: the study in its author's words, subgroups, sample size, answers to the checklists."""

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


class ReportParams(Params):
    """`params/report.yaml`."""

    title: str = Field(min_length=1)
    synthetic: bool
    study: StudyWords
    top_features: int = Field(ge=1, le=200)
    subgroups: SubgroupParams = SubgroupParams()
    sample_size: SampleSizeParams = SampleSizeParams()
    checklists: ChecklistAnswers = ChecklistAnswers()
