"""Fill the checklists item by item from the run; the rest is left to the author (`params/report.yaml`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import Field, field_validator

from pipeline.contracts.data.split import FINAL
from pipeline.contracts.reports.report import CHECKLIST_SCORES, CHECKLISTS, NO, NOT_APPLICABLE, OPEN, PARTLY, YES
from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import OF_IMAGES, network_behind
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.checklist_items import CLEAR, METRICS, Item
from pipeline.report.tables.mask_sources import mask_sources

Answer = Literal["yes", "no", "not applicable"]
EVENTS_PER_FEATURE = 10  # with fewer events per selected feature, the answer to METRICS 16 is no

FITTED = {"crossfit": "cross-fitted", "frozen": "weights given, not trained here", "insample": "in-sample"}
# The confounder that each light tests, by its name in selftest.csv.
CONFOUNDERS = {
    "sham_within_site": "site",
    "size_alone": "lesion size",
    "shape_alone": "the outline",
    "shifted_roi": "tissue beside the lesion",
    "frame_alone": "the frame of the image",
}
BANDS = ((0.2, "very low"), (0.4, "low"), (0.6, "moderate"), (0.8, "good"))


class ChecklistAnswers(Params):
    """The author's answers by item: CLEAR as text (the place in the paper), METRICS as yes, no or not applicable."""

    clear: dict[int, str] = Field(default_factory=dict)
    metrics: dict[int, Answer] = Field(default_factory=dict)

    @field_validator("clear", "metrics")
    @classmethod
    def _known(cls, answers: dict[int, str], info: object) -> dict[int, str]:
        count = len(CLEAR if getattr(info, "field_name", "") == "clear" else METRICS)
        if wrong := sorted(number for number in answers if not 1 <= number <= count):
            msg = f"there is no item {wrong[0]}; the items are 1 to {count}"
            raise ValueError(msg)
        return answers


@dataclass(frozen=True, kw_only=True)
class Fact:
    """The answer of the run: yes, partly, no or not applicable, and the section of the page that shows it."""

    answer: str
    place: str = ""
    remark: str = ""


def _shown(condition: bool, place: str, *, otherwise: str = NO, remark: str = "") -> Fact:
    return Fact(answer=YES, place=place) if condition else Fact(answer=otherwise, place=place, remark=remark)


def facts(study: ReportInputs, *, question: str) -> dict[str, Fact]:
    """The answer of this run to each topic, by the name of the fact. `question`: the author's, may be empty."""
    return _method_facts(study, question=question) | _data_facts(study) | _result_facts(study)


def _method_facts(study: ReportInputs, *, question: str) -> dict[str, Fact]:
    radiomics = bool(set(OF_IMAGES) & set(study.blocks))
    deep = any(network_behind(block, nets=study.nets) for block in study.blocks)
    reduce = study.params.get("reduce", {})
    used = {str(card.get("strategy")) for cards in study.cards.values() for card in cards}
    fitted = "; ".join(FITTED.get(strategy, "strategy unknown") for strategy in sorted(used)) or "strategy unknown"
    none = Fact(answer=NOT_APPLICABLE, remark="no hand-crafted features")
    lights = study.lights
    split = Fact(answer=YES, place="selftest") if lights and "red" not in lights.values() else Fact(answer=PARTLY)
    filtered = reduce.get("agreement") is not None and len(study.agreement) > 0
    return {
        "question": _shown(bool(question), "result", otherwise=OPEN),
        "checklist": Fact(answer=YES, place="checklists"),
        "method_flow": Fact(answer=YES, place="methods"),
        "split": split,
        "settings": Fact(answer=YES, place="methods") if radiomics else none,
        "dictionary": Fact(answer=YES, place="methods") if radiomics else none,
        "imbalance": Fact(answer=YES, place="methods"),
        "reduction": Fact(answer=YES, place="methods"),
        "algorithms": Fact(answer=YES, place="methods"),
        "choice": Fact(answer=YES, place="methods"),
        "robust": _shown(filtered, "features", remark="no filter by agreement") if radiomics else none,
        "redundant": Fact(answer=YES, place="methods") if radiomics else none,
        "deep_robust": Fact(answer=PARTLY, place="models", remark=f"{fitted}; not tested on altered images")
        if deep
        else Fact(answer=NOT_APPLICABLE, remark="no network"),
        "simple": _shown("lr" in study.params.get("benchmark", {}).get("classifiers", []), "models"),
        "settings_shared": Fact(
            answer=PARTLY, place="provenance", remark="all settings are in this page and its tables"
        ),
        "features_shared": Fact(answer=PARTLY, place="provenance", remark="written as CSV; publishing is the author's"),
    }


def _data_facts(study: ReportInputs) -> dict[str, Fact]:
    sites = study.patients["site"].dropna().nunique()
    return {
        "sample_size": Fact(answer=YES, place="sample-size"),
        "acquisition": Fact(answer=PARTLY, place="excluded", remark="sizes and spacing only"),
        "clinical": _shown(study.has_clinical, "patients", otherwise=NOT_APPLICABLE, remark="no clinical columns"),
        "missing": Fact(answer=YES, place="patients"),
        "centres": _shown(sites > 1, "patients"),
        "uniparametric": Fact(answer=YES, place="methods"),
        "baseline": Fact(answer=YES, place="patients"),
        "flow": Fact(answer=YES, place="patients"),
        "confounders": _confounders(study),
        **_mask_facts(study),
    }


def _mask_facts(study: ReportInputs) -> dict[str, Fact]:
    """Where the masks come from, and whether networks that predict them were evaluated on given masks."""
    sources = mask_sources(study.cohort, rois=study.rois)
    predicted = sources == "predicted"
    summary = study.results["segmentation_summary"]
    evaluated = bool((summary["metric"].eq("dice_mean") & summary["estimate"].notna()).any())
    remark, automatic = "the source of the masks only", Fact(answer=NOT_APPLICABLE, remark="masks were given")
    if predicted.any():
        remark = f"masks of {int(predicted.sum())} of {len(predicted)} images were predicted; who drew the given ones?"
    if predicted.any() or study.regions.pairs:
        automatic = _shown(evaluated, "segmentation", remark="no image has both a given and a predicted mask")
    place = "segmentation" if predicted.any() or evaluated else "methods"
    final = study.splits[study.splits["resample"] == FINAL]
    test = final.loc[final["role"] != "train", "patient_id"]
    tested = study.cohort["patient_id"].isin(test).to_numpy()
    by_software = bool(tested.any() and predicted.to_numpy()[tested].all())
    return {
        "segmentation": Fact(answer=PARTLY, place=place, remark=remark),
        "automatic": automatic,
        "test_masks": _shown(by_software, "segmentation" if by_software else "", otherwise=OPEN),
    }


def _confounders(study: ReportInputs) -> Fact:
    """What the self-tests tried as a confounder; a grey light tried nothing."""
    tried = [name for check, name in CONFOUNDERS.items() if study.lights.get(check, "grey") != "grey"]
    if not tried:
        return Fact(answer=NO, place="selftest", remark="no confounder could be tested")
    return Fact(answer=PARTLY, place="selftest", remark=f"tested: {', '.join(tried)}; any other is for the author")


def _result_facts(study: ReportInputs) -> dict[str, Fact]:
    found = set(study.results["metrics"]["evaluation"])
    agreement = bool(len(study.agreement))
    explained = bool(len(study.results["explain"]))
    clinical = _shown(
        "clinical" in study.sets and len(study.sets) > 1, "comparisons", remark="no set of clinical data alone"
    )
    return {
        "agreement": _agreement(study),
        "feature_statistics": Fact(answer=YES if agreement else PARTLY, place="features"),
        "dimension": _dimension(study),
        "internal": _shown("internal" in found, "models"),
        "external": _shown("external" in found, "models"),
        "test": Fact(answer=YES if "external" in found else PARTLY if "internal" in found else NO, place="models"),
        "metrics": Fact(answer=YES, place="models"),
        "calibration": _shown(bool(len(study.results["calibration"])), "calibration"),
        "comparison": Fact(answer=YES, place="comparisons"),
        "clinical_compared": clinical,
        "combined_compared": clinical,
        "explained": _shown(explained, "cases", otherwise=NO, remark="no examples were made"),
        "performance": Fact(answer=YES if explained else PARTLY, place="models"),
    }


def _agreement(study: ReportInputs) -> Fact:
    """Whether features were compared between masks: repeated ones, or given and predicted ones."""
    if len(study.agreement):
        return Fact(answer=YES, place="features")
    if len(study.regions.given):
        return Fact(answer=PARTLY, place="segmentation", remark="between given and predicted masks only")
    return Fact(answer=NO, place="features", remark="no repeated masks")


def _dimension(study: ReportInputs) -> Fact:
    """Whether the primary set has at least ten events per feature of its final model."""
    chosen = study.results["chosen"]
    primary = chosen.loc[chosen["role"] == "primary", "feature_set"]
    if not len(primary):
        return Fact(answer=PARTLY, place="sample-size", remark="no primary set is named")
    events, features = study.training_events, study.final_features(str(primary.iloc[0]))
    enough = events >= EVENTS_PER_FEATURE * features
    return _shown(enough, "sample-size", remark="fewer than ten events per feature of the primary model")


def checklist_table(study: ReportInputs, *, answers: ChecklistAnswers, question: str) -> pd.DataFrame:
    """Every item of both checklists, with its answer, who gave it, and the section of the page that shows it."""
    known = facts(study, question=question)
    rows = [_row("CLEAR", item, known=known, said=answers.clear) for item in CLEAR]
    rows += [_row("METRICS", item, known=known, said=answers.metrics) for item in METRICS]
    return pd.DataFrame(rows, columns=CHECKLISTS.names)


def _row(checklist: str, item: Item, *, known: Mapping[str, Fact], said: Mapping[int, str]) -> dict[str, object]:
    row: dict[str, object] = {"checklist": checklist, "item": item.number, "topic": item.topic, "weight": item.weight}
    if text := said.get(item.number, ""):
        own = checklist == "METRICS"
        return row | {"answer": text if own else YES, "said_by": "author", "remark": "" if own else text}
    fact = known[item.fact] if item.fact else Fact(answer=OPEN)
    author = "author" if fact.answer == OPEN else "run"
    return row | {"answer": fact.answer, "place": fact.place, "said_by": author, "remark": fact.remark}


def score_table(table: pd.DataFrame) -> pd.DataFrame:
    """Counts of items by answer; for METRICS the score with partly answered and open items as no, and as yes."""
    rows = []
    for checklist, items in table.groupby("checklist", sort=True):
        counts = [int((items["answer"] == answer).sum()) for answer in (YES, PARTLY, NO, NOT_APPLICABLE, OPEN)]
        scores: Sequence[object] = (None, None, None, None)
        if checklist == "METRICS":
            low, high = _score(items, unsure_as=0.0), _score(items, unsure_as=1.0)
            scores = (low, high, band(low), band(high))
        rows.append((checklist, len(items), *counts, *scores))
    return pd.DataFrame(rows, columns=CHECKLIST_SCORES.names)


def _score(items: pd.DataFrame, *, unsure_as: float) -> float:
    credit = items["answer"].map({YES: 1.0, NO: 0.0, PARTLY: unsure_as, OPEN: unsure_as})
    applies = credit.notna()
    return float((credit * items["weight"])[applies].sum() / items.loc[applies, "weight"].sum())


def band(score: float) -> str:
    """The band of a METRICS score: below 0.2 very low, 0.4 low, 0.6 moderate, 0.8 good, else excellent."""
    return next((name for limit, name in BANDS if score < limit), "excellent")
