"""The tables that the report makes for itself, so that every number on the page stands in a CSV."""

import pandas as pd

from pipeline.contracts.reports.report import (
    BASELINE,
    BASELINE_OUTCOME,
    BASELINE_TESTS,
    FAILED,
    FLOW,
    KEPT,
    LEFT,
    MISSING,
    NETWORKS,
    NOTES,
    PROVENANCE,
    SAMPLE_SIZE,
    SELECTION,
    STABILITY,
    STUDY,
    SUBGROUP_TESTS,
    SUBGROUPS,
    WARNINGS,
)
from pipeline.foundation.pseudonyms import pseudonyms
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.baseline import baseline_outcome_table, baseline_table
from pipeline.report.tables.baseline_tests import baseline_tests_table
from pipeline.report.tables.cohort_flow import flow_table
from pipeline.report.tables.exclusions import failed_table, left_table, notes_table, warnings_table
from pipeline.report.tables.missing_values import missing_table
from pipeline.report.tables.patient_groups import roles
from pipeline.report.tables.sample_size import SampleSizeParams, sample_size_table
from pipeline.report.tables.subgroup_levels import SubgroupParams
from pipeline.report.tables.subgroups import subgroup_tables

# Each is written to reports/tables/report/<name>.csv.
REPORT_TABLES = {
    "study": STUDY,
    "flow": FLOW,
    "baseline": BASELINE,
    "baseline_outcome": BASELINE_OUTCOME,
    "baseline_tests": BASELINE_TESTS,
    "missing": MISSING,
    "left": LEFT,
    "failed": FAILED,
    "warnings": WARNINGS,
    "notes": NOTES,
    "subgroups": SUBGROUPS,
    "subgroup_tests": SUBGROUP_TESTS,
    "sample_size": SAMPLE_SIZE,
    "networks": NETWORKS,
    "selection": SELECTION,
    "kept": KEPT,
    "stability": STABILITY,
    "provenance": PROVENANCE,
}


def patient_tables(
    study: ReportInputs, *, subgroups: SubgroupParams, sample_size: SampleSizeParams
) -> dict[str, pd.DataFrame]:
    """Every table about patients. Raises PipelineError where a sum does not hold, or a subgroup is not there."""
    role = roles(study.splits)
    names = pseudonyms(patients=study.patients, cohort=study.cohort, audit=study.audit)
    levels, tests = subgroup_tables(study, role=role, params=subgroups)
    return {
        "flow": flow_table(study, role=role),
        "baseline": baseline_table(study.patients, role=role),
        "baseline_outcome": baseline_outcome_table(study.patients, role=role),
        "baseline_tests": baseline_tests_table(study.patients, role=role),
        "missing": missing_table(study, role=role),
        "left": left_table(study.audit, names=names),
        "failed": failed_table(study, names=names),
        "warnings": warnings_table(study.audit, names=names),
        "notes": notes_table(study.audit),
        "subgroups": levels,
        "subgroup_tests": tests,
        "sample_size": sample_size_table(study, role=role, params=sample_size),
    }
