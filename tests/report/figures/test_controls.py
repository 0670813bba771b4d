"""figures.controls: each control in its group, with its interval, against one half."""

import pandas as pd
from figure_examples import controls, description, words

from pipeline.contracts.reports.selftest import CONTROLS
from pipeline.report.figures.controls import controls_figure


def test_controls_stand_in_groups_with_their_numbers():
    shown = words(controls())

    assert shown.index("The lesion") < shown.index("lesion alone") < shown.index("Outside the lesion")
    assert shown[shown.index("ring around it") + 1] == "0.70 (0.60–0.80)"
    assert 'class="chance strong"' in controls()


def test_what_lies_above_one_half_is_said():
    assert "above one half: ring around it" in description(controls())
    assert "no interval lies above one half" in description(controls(ring=0.45))


def test_without_an_auc_there_is_no_figure():
    table = pd.DataFrame([("ring", None, None, None, 0, 0, 0)], columns=CONTROLS.names)

    assert controls_figure(table, title="Controls") is None
    assert controls_figure(CONTROLS.empty(), title="Controls") is None
