"""figures.regions: what each figure shows of made-up masks and habitats, and None without them."""

import re

import numpy as np
import pandas as pd
from figure_examples import description, words

from pipeline.report.figures.regions import area_figure, dice_figure, fraction_figure, icc_figure

SEGMENTED = pd.DataFrame(
    {
        "network": ["unet"] * 3 + ["trfe"] * 3,
        "evaluation": ["internal", "internal", "other_half"] * 2,
        "dice": [0.9, 0.8, 0.1, 0.7, None, 0.1],
        "given_voxels": [100, 1000, 10, 100, 0, 10],
        "predicted_voxels": [150, 900, 10, 100, 5, 10],
    }
)


def test_dice_by_network_and_evaluation():
    figure = dice_figure(SEGMENTED, title="Dice")

    assert {"Internal", "unet", "trfe"} <= set(words(figure))
    assert "Highest median: unet, internal" in description(figure)
    assert [path.count("M") for path in re.findall(r'class="rug" d="([^"]*)"', str(figure))] == [1, 2]
    assert dice_figure(SEGMENTED[SEGMENTED["evaluation"] == "other_half"], title="Dice") is None


def test_areas_of_two_masks_that_are_not_empty():
    figure = area_figure(SEGMENTED[SEGMENTED["network"] == "unet"], title="Areas")

    assert str(figure).count("<circle") == 3
    assert "the predicted mask is larger in 1" in description(figure)
    assert "1,000" in words(figure)
    assert area_figure(SEGMENTED[SEGMENTED["dice"].isna()], title="Areas") is None


def test_icc_by_class_the_best_first():
    effect = pd.DataFrame({"feature_class": ["a", "a", "b", "c"], "icc": [0.2, 0.4, 0.9, None]})
    figure = icc_figure(effect, title="ICC")

    assert [word for word in words(figure) if word in "abc"] == ["b", "a"]
    assert "Highest median: b; lowest: a." in description(figure)
    assert icc_figure(effect[effect["icc"].isna()], title="ICC") is None


def test_fractions_by_outcome_under_their_habitat():
    rows = [(1, "event", np.array([0.2, 0.3])), (1, "no event", np.array([0.1])), (2, "event", np.empty(0))]
    table = pd.DataFrame({"habitat": [1, 1], "outcome": ["event", "no event"], "mean": 0.2, "ci_low": [0.1, None]})
    figure = fraction_figure(rows, table=table.assign(ci_high=[0.4, None]).astype({"ci_high": float}), title="Habitats")

    assert [word for word in words(figure) if "abitat" in word or "event" in word] == ["Habitat 1", "event", "no event"]
    assert str(figure).count('class="whisker"') == 1
    assert "0.5" in words(figure)  # no fraction is above one half
    assert fraction_figure([], table=table, title="Habitats") is None
