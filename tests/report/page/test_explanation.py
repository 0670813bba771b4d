"""explanation: the primary set first, its figures, and no section without contributions."""

from types import SimpleNamespace

import pandas as pd
import pytest
from contribution_tables import AGE, SHAPE, explained, part_model, tables, two_sets

from pipeline.contracts.reports.explain import EXPLAIN, TABLES
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.explanation import explanation_variables


def variables(sets, *, primary="combined"):
    found = tables(sets)
    roles = {name: "primary" if name == primary else "comparator" for name in ("combined", "clinical")}
    chosen = pd.DataFrame({"feature_set": [*roles, "radiomics"], "role": [*roles.values(), None]})
    row = ("1", "patient #1", "long", None, None, "true positive", 0.9, 0.4, "1.png", "1.svg", "log-odds", 0.0, 1.0)
    explain = pd.DataFrame([row], columns=EXPLAIN.names)
    study = SimpleNamespace(results=found | {"chosen": chosen, "explain": explain}, pictures={"1.svg": b"<svg/>"})
    cells = {name: Cells(table, name=f"{name}.csv", key=TABLES[name].key) for name, table in found.items()}
    return explanation_variables(study, cells=cells)


def test_the_primary_set_comes_first_with_its_groups_by_size():
    first, second = variables(two_sets())["explained"]

    assert (first.feature_set, second.feature_set) == ("combined", "clinical")
    assert [key[2] for key in first.groups["block"]] == ["radiomics", "densenet121", "clinical"]
    assert set(first.sizes) == {"block", "view", "class", "filter"}
    assert variables(two_sets(), primary="clinical")["explained"][0].feature_set == "clinical"


def test_a_set_of_one_group_has_no_figure_of_groups_and_names_its_silent_part():
    second = variables(two_sets())["explained"][1]

    assert second.sizes == {}
    assert second.silent == [("clinical", "b")]
    assert second.beeswarm is not None


def test_a_set_without_a_feature_has_no_figure():
    (only,) = variables([explained(part_model("all", {}))])["explained"]

    assert (only.beeswarm, only.features, only.falls, dict(only.sizes)) == (None, None, None, {})


def test_without_contributions_there_is_no_set():
    assert variables([])["explained"] == []


def test_dots_are_means_over_the_parts():
    one = explained(part_model("a", {AGE: 1.0, SHAPE: 2.0}), part_model("b", {SHAPE: 2.0}))
    figure = str(variables([one])["explained"][0].beeswarm)

    assert figure.count('r="2.6"') == 2 * 24
    widest = one.contributions()[SHAPE].abs().max()
    assert widest == pytest.approx(abs(one.contributions()).max().max())


def test_waterfalls_are_embedded():
    assert variables(two_sets())["waterfalls"] == {("1",): "data:image/svg+xml;base64,PHN2Zy8+"}
