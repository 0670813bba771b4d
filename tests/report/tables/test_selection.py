"""The report's tables of the selection: rules, half-samples, stability, and the score written out."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.data.reduce import HALF_SAMPLES, SELECTED
from pipeline.contracts.reports.report import FORMULA, TABLES
from pipeline.report.tables.lasso_score import formula_table, score_formulas
from pipeline.report.tables.selection import selected_by_rule, selection_tables, stability_table
from pipeline.statistics.selection_stability import stability

# Features of block `radiomics` kept by rule min, by fit of cross-validation and part; by 1se only x, in every fit.
KEPT = {"cv-1-1": {"a": ["x", "y"], "b": ["x"]}, "cv-1-2": {"a": ["x", "z"], "b": []}}
FINAL = {"a": {"x": 0.5, "y": -0.75}, "b": {"x": 0.25}}


def selected():
    rows = []
    for resample, parts in (KEPT | {"final": FINAL}).items():
        for part, features in parts.items():
            values = dict(features) if isinstance(features, dict) else dict.fromkeys(features, 0.1)
            values = {"(intercept)": -1.0} | (values or {"(none)": 0.0})
            rows += [(resample, part, "radiomics", "min", name, value) for name, value in values.items()]
            single = {"(intercept)": -1.5, "x": 0.01}
            rows += [(resample, part, "radiomics", "1se", name, value) for name, value in single.items()]
    return pd.DataFrame(rows, columns=SELECTED.names)


def half_samples():
    counts = {("a", "x"): "1 2 3", ("a", "y"): "1", ("a", "w"): "", ("b", "x"): "1 2 3 4", ("b", "w"): ""}
    rows = [(part, "radiomics", name, len(text.split()), 4, text or None) for (part, name), text in counts.items()]
    return pd.DataFrame(rows, columns=HALF_SAMPLES.names)


def study(*, halves=None, rule="min", nets=()):
    return SimpleNamespace(
        sets=["radiomics"],
        nets=list(nets),
        params={"reduce": {"lasso": {"rule": rule}}},
        selected={"radiomics": selected()},
        half_samples={"radiomics": half_samples() if halves is None else halves},
    )


def test_frequencies_are_those_of_the_rule_in_the_params():
    by_min, by_1se = (selection_tables(study(rule=rule))[0].set_index("feature") for rule in ("min", "1se"))

    assert by_min["n_selected"].to_dict() == {"x": 3, "y": 1, "z": 1}
    assert by_min["coefficient"].to_dict()["x"] == pytest.approx(0.375)
    assert by_1se["n_selected"].to_dict() == {"x": 4}
    assert set(selected_by_rule(study(rule="1se"), "radiomics")["rule"]) == {"1se"}


def test_half_samples_of_both_parts_count_together():
    table, _ = selection_tables(study())

    assert table.set_index("feature")["half_samples"].to_dict() == {"x": 7 / 8, "y": 1 / 8, "z": 0.0}
    assert not TABLES["selection"].faults(table)


def test_without_half_samples_their_column_is_empty_and_there_is_no_stability():
    nothing = study(halves=half_samples()[:0])
    table = stability_table(nothing)

    assert selection_tables(nothing)[0]["half_samples"].isna().all()
    assert table.empty
    assert not TABLES["stability"].faults(table)


def test_stability_is_that_of_the_selections():
    table = stability_table(study()).set_index(["source", "part"])
    # Columns w, x, y, z of the four fits; then the candidates w, x, y of part a in its four half-samples.
    fits = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
    halves = np.array([[0, 1, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0]])

    for key, kept in {("resamples", "all"): fits, ("half_samples", "a"): halves}.items():
        found, expected = table.loc[key], stability(kept)
        assert found["stability"] == pytest.approx(expected.estimate, abs=1e-15)
        assert found["ci_low"] == pytest.approx(expected.ci_low, abs=1e-15)
        assert (found["n_fits"], found["n_features"]) == kept.shape
    assert table.loc[("half_samples", "b"), "stability"] == 1.0
    assert not TABLES["stability"].faults(table.reset_index())


def test_components_of_a_network_are_compared_within_a_part_alone():
    table = stability_table(study(nets=["radiomics"]))

    assert set(table["source"]) == {"half_samples"}


def test_score_is_written_out_part_by_part():
    formulas = score_formulas(selected_by_rule(study(), "radiomics"))

    assert [(one.part, one.intercept, one.terms) for one in formulas] == [
        ("a", -1.0, (("y", -0.75), ("x", 0.5))),
        ("b", -1.0, (("x", 0.25),)),
    ]


def test_a_score_without_features_is_its_intercept():
    empty = selected().query("resample == 'cv-1-2' and part == 'b' and rule == 'min'").assign(resample="final")

    assert score_formulas(empty)[0].terms == ()
    assert score_formulas(empty)[0].intercept == -1.0


def test_every_term_is_in_the_table():
    table = formula_table(study())

    assert list(table["term"]) == ["(intercept)", "y", "x", "(intercept)", "x"]
    assert list(table["coefficient"]) == [-1.0, -0.75, 0.5, -1.0, 0.25]
    assert not FORMULA.faults(table)
