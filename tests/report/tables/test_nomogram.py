"""tables.nomogram: the table of ticks, from which risks can be computed by hand, and its figure."""

import numpy as np
import pytest
from nomogram_parts import POINT, a_part

from pipeline.contracts.reports.report import NOMOGRAM
from pipeline.foundation.tables import read_table, write_table
from pipeline.report.figures.nomogram import conversion_figure, nomogram_figure
from pipeline.report.nomogram import Nomogram
from pipeline.report.tables.nomogram import nomogram_table


def a_nomogram(*parts):
    return Nomogram(
        feature_set="combined", parts=tuple(a_part(part, seed=n)[1] for n, part in enumerate(parts)), point=POINT
    )


def test_table_meets_its_contract(tmp_path):
    for parts in (("all",), ("a", "b")):
        write_table(nomogram_table(a_nomogram(*parts)), tmp_path / "nomogram.csv", NOMOGRAM)
        assert set(parts) <= set(read_table(tmp_path / "nomogram.csv", NOMOGRAM)["part"])


def test_ticks_of_points_probability_and_risk_agree():
    nomogram = a_nomogram("a", "b")
    table = nomogram_table(nomogram)
    for part in nomogram.parts:
        rows = table[(table["part"] == part.part) & (table["kind"] == "probability")]
        np.testing.assert_allclose(part.probability(rows["points"].to_numpy()), rows["value"], atol=1e-12)
    risks = table[table["kind"].isin(["risk", "threshold"])]
    np.testing.assert_allclose(POINT.recalibrate(risks["mean_probability"].to_numpy()), risks["value"], atol=1e-9)
    assert risks.loc[risks["kind"] == "threshold", "value"].to_list() == [POINT.threshold]


def test_one_part_has_the_risk_below_its_total():
    nomogram = a_nomogram("all")
    risks = nomogram_table(nomogram).query("kind == 'risk'")

    found = nomogram.risk({"all": risks["points"].to_numpy()})

    np.testing.assert_allclose(found, risks["value"], atol=1e-9)


def test_constants_of_the_table_make_the_probability():
    nomogram = a_nomogram("all")
    zero, per_point = nomogram_table(nomogram).query("kind == 'constant'")["value"]

    assert nomogram.parts[0].probability(np.array([70.0]))[0] == pytest.approx(1 / (1 + np.exp(-zero - 70 * per_point)))


def test_figures_name_every_variable_and_its_levels():
    table = nomogram_table(a_nomogram("a", "b"))
    figure = nomogram_figure(table[table["part"] == "a"], title="Half <a>")

    for words in ("Half &lt;a&gt;", ">age<", ">size (mm)<", ">not known<", ">F<", ">M<", ">Total points", "net: score"):
        assert words in figure
    assert "called positive from here" in conversion_figure(table[table["part"] == "together"], title="Risk")


def test_figure_of_one_part_ends_in_the_risk():
    figure = nomogram_figure(nomogram_table(a_nomogram("all")), title="Nomogram")

    assert "Risk of the model" in figure
    assert "half" not in figure
