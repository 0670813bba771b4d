"""The sample that both engines extract: drawn with the seed, compared feature by feature, a planted fault is seen."""

import math

import pytest

from pipeline.contracts.data.radiomics import ENGINE_CHECK
from pipeline.foundation.images import write_image
from pipeline.foundation.tables import check_table
from pipeline.radiomics import verification
from pipeline.radiomics.features import ExtractionCase
from pipeline.radiomics.recipe import own_recipe, synthetic_lesion
from pipeline.radiomics.verification import compared, drawn_cases, engine_check_table, relative_difference
from pipeline.selftest.engine_check import LIMIT

CLASSES = {"firstorder": None, "glcm": None, "shape2D": None}


@pytest.fixture
def lesion(tmp_path):
    image, mask = synthetic_lesion("2-D")
    paths = [tmp_path / "image.nrrd", tmp_path / "mask.nrrd"]
    for part, path in zip((image, mask), paths, strict=True):
        write_image(part, path)
    recipe = own_recipe({"imageType": {"Original": {}}, "featureClass": CLASSES}, expected_count=None, first=image)
    return ExtractionCase(image_id="a", image=paths[0], mask=paths[1], status="ok", reason=None), recipe


def cases(n):
    return [ExtractionCase(image_id=f"i{k}", image=None, mask=None, status="ok", reason=None) for k in range(n)]


def test_the_draw_follows_the_seed_and_takes_finished_cases_alone():
    every, ok = cases(20), {f"i{k}" for k in range(0, 20, 2)}
    drawn = [case.image_id for case in drawn_cases(every, ok=ok, n=3, seed=1)]

    assert drawn == [case.image_id for case in drawn_cases(every, ok=ok, n=3, seed=1)]
    assert len(drawn) == 3
    assert set(drawn) <= ok
    assert len({tuple(c.image_id for c in drawn_cases(every, ok=ok, n=3, seed=seed)) for seed in range(9)}) > 3
    assert len(drawn_cases(every, ok=ok, n=50, seed=1)) == 10
    assert drawn_cases(every, ok=ok, n=0, seed=1) == []


def test_the_engines_agree_on_every_feature(lesion):
    case, recipe = lesion
    table = engine_check_table([compared(case, recipe=recipe)])

    check_table(table, ENGINE_CHECK, place="engine_check.csv")
    assert list(table["feature"]) == list(recipe.names)
    assert table["difference"].max() < 1e-9


def test_a_wrong_value_of_our_engine_is_seen(lesion, monkeypatch):
    case, recipe = lesion
    right = verification.extract

    def wrong(*args, **kwargs):
        values, messages = right(*args, **kwargs)
        return values | {"original_glcm_Contrast": values["original_glcm_Contrast"] * (1 + 1e-5)}, messages

    monkeypatch.setattr(verification, "extract", wrong)
    table = engine_check_table([compared(case, recipe=recipe)])

    assert set(table.loc[table["difference"] > LIMIT, "feature"]) == {"original_glcm_Contrast"}


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "expected"),
    [
        ("original_glcm_Contrast", 2.0, 2.0 + 4e-6, 2e-6),
        ("original_glcm_Contrast", 1e-15, 0.0, 1e-9),
        ("original_glcm_MCC", 0.0, 1e-8, 1e-8),
        ("original_glcm_MCC", math.nan, 1.0, 0.0),  # one grey level
        ("original_glcm_MCC", math.nan, 0.5, 1.0),
        ("original_glcm_Contrast", math.nan, 1.0, 1.0),
        ("original_glcm_Contrast", 1.0, math.nan, 1.0),
        ("original_glcm_Contrast", math.nan, math.nan, 0.0),
    ],
)
def test_a_difference_by_hand(name, ours, theirs, expected):
    assert relative_difference(name, ours=ours, theirs=theirs) == pytest.approx(expected, rel=1e-5)


def test_without_a_sample_the_table_has_its_columns():
    assert list(engine_check_table([]).columns) == list(ENGINE_CHECK.names)
