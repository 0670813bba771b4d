"""The report's own tables, so that every number on the page comes from a CSV file."""

import pandas as pd

from pipeline.contracts.reports.report import NOMOGRAM
from pipeline.foundation.pseudonyms import pseudonyms
from pipeline.report.inputs import ReportInputs
from pipeline.report.params import ReportParams
from pipeline.report.tables.baseline import baseline_outcome_table, baseline_table, baseline_tests_table
from pipeline.report.tables.checklists import checklist_table, score_table
from pipeline.report.tables.cohort_flow import flow_table
from pipeline.report.tables.dates import dates_table
from pipeline.report.tables.exclusions import excluded_table, failed_table, notes_table, warnings_table
from pipeline.report.tables.feature_classes import GOOD, agreement_summary, feature_count_table
from pipeline.report.tables.habitats import choice_table, fraction_table, habitat_example_table, habitat_table
from pipeline.report.tables.lasso_score import formula_table
from pipeline.report.tables.leak_types import leak_table
from pipeline.report.tables.mask_effect import mask_effect_auc_table, mask_effect_class_table, mask_effect_table
from pipeline.report.tables.mask_sources import mask_source_table
from pipeline.report.tables.missing_values import missing_table
from pipeline.report.tables.near_duplicates import near_count_table, near_table
from pipeline.report.tables.networks import network_table
from pipeline.report.tables.nomogram import nomogram_check_table, nomogram_table
from pipeline.report.tables.patient_groups import roles
from pipeline.report.tables.provenance import parameter_table, provenance_table, study_table
from pipeline.report.tables.sample_size import SampleSizeParams, sample_size_table
from pipeline.report.tables.segmentation import segmentation_example_table
from pipeline.report.tables.selection import selection_tables, stability_table
from pipeline.report.tables.subgroup_levels import SubgroupParams
from pipeline.report.tables.subgroups import subgroup_tables


def patient_tables(
    study: ReportInputs, *, subgroups: SubgroupParams, sample_size: SampleSizeParams
) -> dict[str, pd.DataFrame]:
    """Every table about patients. Raises PipelineError if a sum does not hold, or if a subgroup does not exist."""
    role = roles(study.splits)
    names = pseudonyms(patients=study.patients, cohort=study.cohort, audit=study.audit)
    levels, tests = subgroup_tables(study, role=role, params=subgroups)
    return {
        "flow": flow_table(study, role=role),
        "dates": dates_table(study.patients, role=role),
        "near_duplicates": (near := near_table(study.near, patients=study.patients, names=names)),
        "near_counts": near_count_table(study.near, table=near),
        "baseline": baseline_table(study.patients, role=role),
        "baseline_outcome": baseline_outcome_table(study.patients, role=role),
        "baseline_tests": baseline_tests_table(study.patients, role=role),
        "missing": missing_table(study, role=role),
        "excluded": excluded_table(study.audit, names=names),
        "failed": failed_table(study, names=names),
        "warnings": warnings_table(study.audit, names=names),
        "notes": notes_table(study.audit),
        "subgroups": levels,
        "subgroup_tests": tests,
        "sample_size": sample_size_table(study, role=role, params=sample_size),
    }


def region_tables(study: ReportInputs) -> dict[str, pd.DataFrame]:
    """Every table about masks and habitats; without predicted masks and habitats all but the first are empty."""
    regions, role = study.regions, roles(study.splits)
    names = pseudonyms(patients=study.patients, cohort=study.cohort, audit=study.audit)
    effect = mask_effect_table(regions.given, predicted=regions.predicted, dictionary=study.dictionary)
    return {
        "mask_sources": mask_source_table(study.cohort, rois=study.rois, role=role),
        "segmentation_examples": segmentation_example_table(regions.examples, name_of=names.of),
        "mask_effect": effect,
        "mask_effect_classes": mask_effect_class_table(effect),
        "mask_effect_auc": mask_effect_auc_table(study.results, predictions=study.predictions, pairs=regions.pairs),
        "habitats": habitat_table(regions.clusterings),
        "habitat_choice": choice_table(regions.clusterings),
        "habitat_fractions": fraction_table(
            regions.habitats,
            cohort=study.cohort,
            patients=study.patients,
            clusterings=regions.clusterings,
            seed=int(study.params.get("common", {}).get("seed", 0)),
        ),
        "habitat_examples": habitat_example_table(
            study.results["explain"], parts={number: part for number, (part, _) in regions.habitat_pictures.items()}
        ),
    }


def agreement_limit(study: ReportInputs) -> float:
    """The minimum lower limit of the ICC in params/reduce.yaml; 0.75 if it sets none."""
    return float((study.params.get("reduce", {}).get("agreement") or {}).get("min_lower_limit", GOOD))


def report_tables(study: ReportInputs, *, params: ReportParams) -> dict[str, pd.DataFrame]:
    """All of the report's own tables, by name."""
    selection, kept = selection_tables(study)
    of_patients = patient_tables(study, subgroups=params.subgroups, sample_size=params.sample_size)
    return (
        of_patients
        | region_tables(study)
        | {
            "leak_types": leak_table(study),
            "study": study_table(params.study.model_dump()),
            "networks": network_table(study),
            "selection": selection,
            "kept": kept,
            "stability": stability_table(study),
            "formula": formula_table(study),
            "provenance": provenance_table(study),
            "parameters": parameter_table(study.params),
            "feature_counts": feature_count_table(study.dictionary),
            "agreement": agreement_summary(study.agreement, dictionary=study.dictionary, limit=agreement_limit(study)),
            "nomogram": nomogram_table(study.nomogram) if study.nomogram else NOMOGRAM.empty(),
            "nomogram_check": nomogram_check_table(study),
            "checklists": (
                checklists := checklist_table(study, answers=params.checklists, question=params.study.question)
            ),
            "checklist_scores": score_table(checklists),
        }
    )
