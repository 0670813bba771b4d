"""The extraction benchmark runs the stages as they are, and compares what they give with PyRadiomics."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.foundation.tables import read_table, write_table
from pipeline.radiomics.presets import preset
from tests.benchmarks.extraction import both_stages, cohort_of, draw_frames, largest_difference, on_crops, stage


def test_the_stages_give_the_values_of_pyradiomics_on_the_crops(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    draw_frames(tmp_path, count=2, seed=1)
    given = Namespace(images=tmp_path / "images", masks=tmp_path / "masks", params=Path("params/radiomics.yaml"))
    write_table(cohort_of(given.images, given.masks), tmp_path / "cohort.csv", COHORT)

    both_stages(tmp_path / "cohort.csv", given=given, work=tmp_path, workers=1)

    ours = read_table(tmp_path / "features" / "radiomics.csv", RADIOMICS).set_index("image_id")
    crops = on_crops(tmp_path, name="us2d")
    assert (len(crops), crops.shape[1]) == (2, preset("us2d").count)
    assert np.array_equal(ours.loc[crops.index, crops.columns].isna(), crops.isna())
    assert largest_difference(ours.loc[crops.index], other=crops).startswith("0 of ")


def test_a_stage_that_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(RuntimeError, match=r"(?s)stages\.crop failed:.*required"):
        stage("crop", paths={}, workers=1, scratch=tmp_path)
