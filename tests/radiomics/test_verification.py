"""The sample that both engines extract: drawn with the seed, compared feature by feature, a planted fault is seen."""

import math

import numpy as np
import pytest

from pipeline.contracts.data.radiomics import ENGINE_CHECK
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.tables import check_table
from pipeline.radiomics import features
from pipeline.radiomics.features import ExtractionCase
from pipeline.radiomics.recipe import own_recipe, synthetic_lesion
from pipeline.radiomics.verification import compared, drawn_cases, engine_check_table, relative_difference
from pipeline.selftest.engine_check import LIMIT


def store_in(folder):
    return ContentStore(folder / "store", limit_bytes=10**9)


CLASSES = {"firstorder": None, "glcm": None, "shape2D": None}


@pytest.fixture
def lesion(tmp_path):
    image, mask = synthetic_lesion("2-D")
    paths = [tmp_path / "image.nrrd", tmp_path / "mask.nrrd"]
    for part, path in zip((image, mask), paths, strict=True):
        write_image(part, path)
    recipe = own_recipe({"imageType": {"Original": {}}, "featureClass": CLASSES}, expected_count=None, first=image)
    return ExtractionCase(image_id="a", image=paths[0], mask=paths[1], status="ok", reason=None), recipe


@pytest.fixture
def without_kurtosis(tmp_path):
    """A ROI in which some voxels of one filtered image have no value: equal samples have no kurtosis."""
    array = np.random.default_rng(6).integers(1, 99, (1, 30, 14)).astype(np.int16)
    array[:, 12:] = 0
    image, mask = image_from(array), image_from(np.ones_like(array, dtype=np.uint8))
    for part, name in ((image, "image.nrrd"), (mask, "mask.nrrd")):
        write_image(part, tmp_path / name)
    settings = {"imageType": {"LBP3D": {}}, "featureClass": {"firstorder": ["Mean"]}, "setting": {"force2D": True}}
    recipe = own_recipe(settings, expected_count=3, first=image)
    case = ExtractionCase(
        image_id="a", image=tmp_path / "image.nrrd", mask=tmp_path / "mask.nrrd", status="ok", reason=None
    )
    return case, recipe


def test_a_filtered_image_that_our_engine_leaves_empty_and_says_so_is_no_difference(without_kurtosis, tmp_path):
    case, recipe = without_kurtosis
    rows = {row["feature"]: row for row in compared(case, recipe=recipe, store=store_in(tmp_path))["rows"]}

    emptied = rows["lbp-3D-k_firstorder_Mean"]
    assert math.isnan(emptied["engine"])
    assert math.isfinite(emptied["pyradiomics"])
    assert emptied["difference"] == 0


def test_an_roi_that_pyradiomics_refuses_is_named_and_not_compared(lesion, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ImageError("PyRadiomics: no")

    monkeypatch.setattr("pipeline.radiomics.pyradiomics.extracted", refuse)
    done = compared(lesion[0], recipe=lesion[1], store=store_in(tmp_path))

    assert done == {"image_id": "a", "rows": [], "reason": "PyRadiomics: no"}
    assert engine_check_table([done]).empty


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


def test_the_engines_agree_on_every_feature(lesion, tmp_path):
    case, recipe = lesion
    table = engine_check_table([compared(case, recipe=recipe, store=store_in(tmp_path))])

    check_table(table, ENGINE_CHECK, place="engine_check.csv")
    assert list(table["feature"]) == list(recipe.names)
    assert table["difference"].max() < 1e-9


def test_a_wrong_value_of_our_engine_is_seen(lesion, tmp_path, monkeypatch):
    case, recipe = lesion
    right = features.extract

    def wrong(*args, **kwargs):
        values, messages = right(*args, **kwargs)
        return values | {"original_glcm_Contrast": values["original_glcm_Contrast"] * (1 + 1e-5)}, messages

    monkeypatch.setattr(features, "extract", wrong)
    table = engine_check_table([compared(case, recipe=recipe, store=store_in(tmp_path))])

    assert set(table.loc[table["difference"] > LIMIT, "feature"]) == {"original_glcm_Contrast"}


def test_one_case_more_changes_the_draw_by_one_at_most():
    few, ok = cases(20), {f"i{k}" for k in range(21)}
    changed = []
    for seed in range(30):
        drawn, more = ({c.image_id for c in drawn_cases(all_, ok=ok, n=3, seed=seed)} for all_ in (few, cases(21)))
        assert more - drawn <= {"i20"}
        changed.append(more != drawn)

    assert any(changed)
    assert not all(changed)


def test_pyradiomics_extracts_an_roi_once_and_what_is_stored_is_what_is_checked(lesion, tmp_path, monkeypatch):
    case, recipe = lesion
    store = store_in(tmp_path)
    first = compared(case, recipe=recipe, store=store)
    monkeypatch.setattr("pipeline.radiomics.pyradiomics.extracted", None)
    assert compared(case, recipe=recipe, store=store) == first
    (ours,) = (path for path in store.folder.glob("*/*.json") if b"warnings" in path.read_bytes())
    kept = store.load(ours.stem)
    store.save(ours.stem, kept | {"values": [kept["values"][0] * 2, *kept["values"][1:]]})

    rows = compared(case, recipe=recipe, store=store)["rows"]
    assert [row["feature"] for row in rows if row["difference"] > LIMIT] == [recipe.names[0]]


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
