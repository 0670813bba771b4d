"""group_sums: every column has its group, and a model that uses one block leans on it alone."""

import numpy as np
import pytest
from contribution_tables import AGE, COMPONENT, GLCM, PATIENTS, SHAPE, explained, part_model, two_sets

from pipeline.explain.group_sums import group_counts, group_of, group_table


@pytest.mark.parametrize(
    ("column", "block", "view", "kind", "filtered"),
    [
        ("radiomics.wavelet-LH_glcm_Idm@long", "radiomics", "long", "glcm", "wavelet-LH"),
        ("radiomics.log-sigma-1-0-mm-3D_firstorder_Mean", "radiomics", "no view", "firstorder", "log-sigma-1-0-mm-3D"),
        ("habitat.habitat_2_original_glszm_ZoneEntropy@long", "habitat", "long", "glszm", "original"),
        ("habitat.contact_1_2@long", "habitat", "long", "not radiomics", "not radiomics"),
        ("peritumoral.near_original_glcm_Idm", "peritumoral", "no view", "glcm", "original"),
        ("peritumoral.near_inside", "peritumoral", "no view", "not radiomics", "not radiomics"),
        ("densenet121.pc001@long (part a)", "densenet121", "long", "not radiomics", "not radiomics"),
        ("carnet_logit.carnet_logit@trans", "carnet_logit", "trans", "not radiomics", "not radiomics"),
        ("clinical.sex=F", "clinical", "no view", "not radiomics", "not radiomics"),
        ("genes.a_b_c", "genes", "no view", "not radiomics", "not radiomics"),
        ("radiomics.missing@trans", "radiomics", "trans", "not radiomics", "not radiomics"),
    ],
)
def test_the_groups_of_a_column(column, block, view, kind, filtered):
    found = [group_of(column, grouping=name) for name in ("feature", "block", "view", "class", "filter")]

    assert found == [column, block, view, kind, filtered]


def test_a_model_that_uses_one_block_leans_on_it_alone():
    one = explained(part_model("all", {AGE: 0.0, SHAPE: 2.0, GLCM: -1.0, COMPONENT: 0.0}))
    table = group_table([one], replicates=100, seed=1).set_index(["grouping", "group"])

    assert list(table.loc["block", "share"]) == pytest.approx([0, 1, 0])
    assert table.loc[("class", "not radiomics"), "mean_abs"] == 0
    assert np.isnan(table.loc[("block", "clinical"), "ci_low"])


def test_a_sum_comes_before_its_absolute_value():
    one = explained(part_model("all", {SHAPE: 2.0, GLCM: -1.0}))
    table = group_table([one], replicates=0, seed=1).set_index(["grouping", "group"])
    X = one.parts[0].X

    assert table.loc[("block", "radiomics"), "mean_abs"] == pytest.approx(np.abs(X @ [2, -1]).mean())
    assert table.loc[("view", "long"), "mean_abs"] == pytest.approx(np.abs(2 * X[:, 0]).mean())
    assert table.loc[("block", "radiomics"), "n_features"] == 2
    assert np.isnan(table.loc[("block", "radiomics"), "ci_low"])


def test_the_interval_holds_the_mean_and_is_the_same_every_time():
    table = group_table(two_sets(), replicates=200, seed=1)
    row = table[(table["grouping"] == "block") & (table["group"] == "radiomics")].iloc[0]

    assert row["ci_low"] < row["mean_abs"] < row["ci_high"]
    assert table.to_csv() == group_table(two_sets(), replicates=200, seed=1).to_csv()


def test_patients_of_a_group_are_drawn_together():
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    counts = group_counts(groups, replicates=50, seed=2)

    for name in "abc":
        assert np.ptp(counts[:, groups == name], axis=1).max() == 0
    assert set(counts[:, [0, 1, 3]].sum(axis=1)) == {3.0}


def test_patients_of_one_group_count_as_one_for_the_interval():
    part = part_model("all", {SHAPE: 2.0})
    part.found.values[:12] += 5  # half of the patients contribute more

    def width(groups):
        table = group_table([explained(part, groups=groups)], replicates=400, seed=1)
        return float((table["ci_high"] - table["ci_low"]).iloc[0])

    assert width(["one"] * 12 + ["other"] * 12) > 1.5 * width(PATIENTS)
