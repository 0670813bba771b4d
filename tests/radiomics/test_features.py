"""radiomics: values equal PyRadiomics' own, a failing image keeps its row, finished images are not recomputed."""

import dataclasses
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from house import closure
from places import ROOT

import pipeline.radiomics.features as step
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.radiomics import DICTIONARY, RADIOMICS
from pipeline.crop.rois import crop_roi
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError, ParamsError, PipelineError
from pipeline.foundation.images import array_of, image_from, write_image
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.radiomics.features import ExtractionCase, RadiomicsParams, extract_case, features_table, prepare
from pipeline.radiomics.recipe import ROOMS, extract, own_recipe, synthetic_lesion

# A few features, for speed: what these tests check does not depend on their number.
SMALL = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean", "Range"], "shape2D": ["PixelSurface"]}}


def lesion_case(folder, *, name="a", texture=None, size=None):
    image, mask = synthetic_lesion("2-D")
    if texture is not None:
        image = image_from(texture, like=image)
    write_image(image, folder / f"{name}_image.nrrd")
    write_image(mask if size is None else mask[:size, :size], folder / f"{name}_mask.nrrd")
    return ExtractionCase(
        image_id=name,
        image=folder / f"{name}_image.nrrd",
        mask=folder / f"{name}_mask.nrrd",
        status="ok",
        reason=None,
    )


def texture_of(seed):
    return np.random.default_rng(seed).integers(0, 200, (64, 64)).astype(np.int16)


def small_recipe(cases):
    return prepare(RadiomicsParams(settings=SMALL), cases=cases)


def store_in(folder):
    return ContentStore(folder / "scratch", limit_bytes=10**9)


def test_mean_and_area_of_a_lesion_by_hand(tmp_path):
    case = lesion_case(tmp_path)
    recipe = small_recipe([case])
    row = extract_case(case, recipe=recipe, store=store_in(tmp_path))
    image, mask = (array_of(part) for part in synthetic_lesion("2-D"))
    found = dict(zip(recipe.names, row["values"], strict=True))
    assert found["original_firstorder_Mean"] == pytest.approx(image[mask == 1].mean(), abs=1e-12)
    assert found["original_firstorder_Range"] == np.ptp(image[mask == 1])
    assert found["original_shape2D_PixelSurface"] == mask.sum()


def of_the_whole_image(grid, filters):
    """The energy of a synthetic image whose mask has no background, by name, and the image."""
    image, _ = synthetic_lesion(grid)
    whole = image_from(np.ones(array_of(image).shape, dtype=np.uint8), like=image)
    settings = {"imageType": filters, "featureClass": {"firstorder": ["Energy"]}}
    recipe = own_recipe(settings, expected_count=len(filters), first=image)
    return extract(recipe, image=image, mask=whole)[0], image


@pytest.mark.parametrize("grid", ["2-D", "one slice", "3-D"])
def test_a_mask_that_fills_its_image_is_a_lesion_like_any_other(grid):
    found, image = of_the_whole_image(grid, {"Original": {}})

    assert found == {"original_firstorder_Energy": (array_of(image).astype(float) ** 2).sum()}


def test_filters_are_not_affected_by_the_border_of_a_mask_that_fills_its_image():
    found, image = of_the_whole_image("2-D", {"LoG": {"sigma": [2.0]}})
    laplace = sitk.LaplacianRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat64), 2.0, True)

    assert list(found.values()) == pytest.approx([(array_of(laplace) ** 2).sum()], rel=1e-5)


def test_a_mask_on_another_grid_is_refused():
    image, mask = synthetic_lesion("2-D")
    mask.SetOrigin((1.0, 0.0))

    with pytest.raises(ImageError, match="another grid than the image; run crop again"):
        step.check_voxels(image, mask)


def broken_textures():
    plain = array_of(synthetic_lesion("2-D")[0]).astype(np.float64)
    spoiled = plain.copy()
    spoiled[3, 4] = np.nan  # outside the lesion, but a filter would spread it
    return {"nan": (spoiled, "1 NaN or infinite voxels"), "flat": (plain * 0 + 7, "same grey level (7.0)")}


@pytest.mark.parametrize("fault", ["nan", "flat"])
def test_what_pyradiomics_would_turn_into_finite_numbers_is_refused(tmp_path, fault):
    texture, reason = broken_textures()[fault]
    good, bad = lesion_case(tmp_path), lesion_case(tmp_path, name="b", texture=texture)
    row = extract_case(bad, recipe=small_recipe([good]), store=store_in(tmp_path))
    assert (row["status"], row["values"]) == ("extraction_failed", None)
    assert reason in row["reason"]


def test_failing_images_keep_their_rows_with_empty_features(tmp_path):
    good, torn = lesion_case(tmp_path), lesion_case(tmp_path, name="b", size=40)
    uncropped = dataclasses.replace(good, image_id="d", status="no_roi", reason="the mask marks no voxel")
    recipe = small_recipe([good])
    cases = [uncropped, torn, good]
    table = features_table(
        [extract_case(case, recipe=recipe, store=store_in(tmp_path)) for case in cases], names=recipe.names
    )
    write_table(table, tmp_path / "features.csv", RADIOMICS)
    table = read_table(tmp_path / "features.csv", RADIOMICS).set_index("image_id")
    assert table["status"].to_dict() == {
        "a": "ok",
        "b": "extraction_failed",
        "d": "no_roi",
    }
    assert table.loc[["b", "d"], list(recipe.names)].isna().all(axis=None)
    assert "mask's size (40, 40) differs" in table.loc["b", "reason"]
    assert table.loc["d", "reason"] == "the mask marks no voxel"


def test_an_image_that_lacks_a_filter_fails_by_name_and_shifts_no_column(tmp_path):
    good, thin = lesion_case(tmp_path), lesion_case(tmp_path, name="b")
    image, mask = synthetic_lesion("2-D")
    write_image(image[:, 30:33], thin.image)
    write_image(mask[:, 30:33], thin.mask)
    log_types = SMALL | {"imageType": {"Original": {}, "LoG": {"sigma": [1.0]}}}
    recipe = prepare(RadiomicsParams(settings=log_types), cases=[good])
    row = extract_case(thin, recipe=recipe, store=store_in(tmp_path))
    assert row["status"] == "extraction_failed"
    assert "2 of 5 features are missing" in row["reason"]
    assert "Image too small to apply LoG filter" in row["reason"]


def test_undefined_values_are_empty_and_reported(tmp_path, monkeypatch):
    case = lesion_case(tmp_path)
    recipe = small_recipe([case])
    values = dict.fromkeys(recipe.names, np.inf) | {recipe.names[0]: 0.1}
    monkeypatch.setattr(step, "extract", lambda *_, **__: (values, []))
    row = extract_case(case, recipe=recipe, store=store_in(tmp_path))
    assert row["values"] == [0.1, None, None]
    assert row["reason"].startswith("2 features are not defined")


def test_all_failed_is_an_error():
    with pytest.raises(PipelineError, match="no image gave features"):
        features_table([{"image_id": "a", "status": "no_roi", "reason": "why", "values": None}], names=("x",))


def test_a_killed_run_resumes_where_it_stopped(tmp_path, monkeypatch):
    cases = [lesion_case(tmp_path, name=name, texture=texture_of(place)) for place, name in enumerate("abcdef")]
    recipe = small_recipe(cases)
    computed = []
    real = step.extract
    monkeypatch.setattr(step, "extract", lambda *args, **parts: computed.append(1) or real(*args, **parts))
    work = partial(extract_case, recipe=recipe, store=store_in(tmp_path))
    first = [work(case) for case in cases[:3]]
    computed.clear()
    again = [work(case) for case in cases]
    assert len(computed) == 3
    assert [row["stored"] for row in again] == [True] * 3 + [False] * 3
    assert again[:3] == [row | {"stored": True} for row in first]
    write_image(synthetic_lesion("2-D")[0] + 1, cases[0].image)  # another image under the same name is new work
    computed.clear()
    assert work(cases[0])["values"] != first[0]["values"]
    assert len(computed) == 1


def count_extractions(monkeypatch):
    computed = []
    real = step.extract
    monkeypatch.setattr(step, "extract", lambda *args, **parts: computed.append(1) or real(*args, **parts))
    return computed


def test_one_patient_more_or_one_mask_corrected_is_one_extraction(tmp_path, monkeypatch):
    cases = [lesion_case(tmp_path, name=name, texture=texture_of(place)) for place, name in enumerate("bcd")]
    recipe, store = small_recipe(cases), store_in(tmp_path)
    computed = count_extractions(monkeypatch)
    first = [extract_case(case, recipe=recipe, store=store)["values"] for case in cases]
    assert len(computed) == 3

    more = [lesion_case(tmp_path, name="a", texture=texture_of(9)), *cases]
    assert [extract_case(case, recipe=recipe, store=store)["values"] for case in more][1:] == first
    assert len(computed) == 4
    smaller = array_of(synthetic_lesion("2-D")[1])
    smaller[:30] = 0
    write_image(image_from(smaller), cases[0].mask)
    again = [extract_case(case, recipe=recipe, store=store)["values"] for case in more]
    assert len(computed) == 5
    assert [old == new for old, new in zip(first, again[1:], strict=True)] == [False, True, True]


def test_the_same_voxels_under_another_name_are_known_and_keep_their_name(tmp_path):
    one, other = lesion_case(tmp_path), lesion_case(tmp_path, name="b")
    recipe, store = small_recipe([one]), store_in(tmp_path)
    rows = [extract_case(case, recipe=recipe, store=store) for case in (one, other)]

    assert [(row["image_id"], row["stored"]) for row in rows] == [("a", False), ("b", True)]
    assert rows[0]["values"] == rows[1]["values"]


@pytest.mark.parametrize("change", ["settings", "engine", "code", "packages", "processor"])
def test_whatever_changes_a_value_changes_the_key(tmp_path, monkeypatch, change):
    case = lesion_case(tmp_path)
    params = {"settings": SMALL}
    before = prepare(RadiomicsParams(**params), cases=[case]).key
    assert prepare(RadiomicsParams(**params, verify=9), cases=[case]).key == before
    if change == "settings":
        params["settings"] = SMALL | {"setting": {"binWidth": 5}}
    elif change == "engine":
        params["engine"] = "pyradiomics"
    else:
        name = {"code": "rooms_hash", "packages": "package_versions", "processor": "processor"}[change]
        monkeypatch.setattr(f"pipeline.radiomics.recipe.{name}", lambda *_: "another")

    assert prepare(RadiomicsParams(**params), cases=[case]).key != before


def test_a_failure_is_not_stored(tmp_path):
    good, torn = lesion_case(tmp_path), lesion_case(tmp_path, name="b", size=40)
    store = store_in(tmp_path)
    extract_case(torn, recipe=small_recipe([good]), store=store)

    assert store.count() == 0


def test_the_key_covers_every_module_that_extraction_loads():
    loaded = closure(ROOT / "pipeline" / "radiomics" / "features.py")

    assert {file.split("/")[1] for file in loaded} <= set(ROOMS)


def test_missing_package_stops_before_the_work_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    message = r"us2d requires 1311 features, PyRadiomics gives 1218 .*skimage.*LBP 2D"
    with pytest.raises(ParamsError, match=message):
        prepare(RadiomicsParams(preset="us2d"), cases=[lesion_case(tmp_path)])


def test_expected_count_of_own_settings_is_asserted(tmp_path):
    with pytest.raises(ParamsError, match="expected_count requires 4 features, PyRadiomics gives 3"):
        prepare(RadiomicsParams(settings=SMALL, expected_count=4), cases=[lesion_case(tmp_path)])


def test_own_settings_may_not_request_noise_bands(tmp_path):
    image, mask = synthetic_lesion("one slice")
    case = lesion_case(tmp_path)
    write_image(image, case.image)
    write_image(mask, case.mask)
    settings = {"imageType": {"Wavelet": {}}, "featureClass": {"firstorder": ["Mean"]}}
    with pytest.raises(ParamsError, match="rounding noise; set force2D"):
        prepare(RadiomicsParams(settings=settings), cases=[case])
    flat = settings | {"setting": {"force2D": True}}
    assert len(prepare(RadiomicsParams(settings=flat), cases=[case]).names) == 4


def test_an_unreadable_first_image_does_not_stop_the_others(tmp_path):
    good = lesion_case(tmp_path)
    gone = dataclasses.replace(good, image_id="0", image=tmp_path / "gone.nrrd")
    assert len(prepare(RadiomicsParams(settings=SMALL), cases=[gone, good]).names) == 3
    with pytest.raises(PipelineError, match="no ROI is readable"):
        prepare(RadiomicsParams(settings=SMALL), cases=[gone])


def test_preset_for_volumes_refuses_single_frames(tmp_path):
    with pytest.raises(PipelineError, match="preset ct3d: a: the preset needs a volume"):
        prepare(RadiomicsParams(preset="ct3d"), cases=[lesion_case(tmp_path)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("preset: us2d\nsettings: {setting: {binWidth: 5}}\n", "either preset or settings"),
        ("settings: null\n", "either preset or settings"),
        ("preset: us3d\n", "key 'preset' has the value 'us3d': input should be 'us2d', 'ct3d'"),
        ("preset: us2d\nexpected_count: 3\n", "belongs to own settings"),
        ("presets: us2d\n", "key 'presets' is not known here"),
    ],
)
def test_wrong_params_are_named(tmp_path, text, message):
    (tmp_path / "radiomics.yaml").write_text(text)
    with pytest.raises(ParamsError, match=message):
        load_params(tmp_path / "radiomics.yaml", RadiomicsParams)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"setting": {"binwidth": 5}}, "Key 'binwidth' was not defined"),
        ({"setting": {"binWidth": -5}}, "settings"),
        ({"imageType": {"Sharpen": {}}}, "Image Type Sharpen is not recognized"),
        ({"setting": {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline"}}, "Wrong dimensionality"),
    ],
)
def test_settings_that_pyradiomics_refuses_are_one_sentence(tmp_path, settings, message):
    with pytest.raises(ParamsError, match=message) as caught:
        prepare(RadiomicsParams(settings=settings), cases=[lesion_case(tmp_path)])
    assert "\n" not in str(caught.value)


def demo_rois(folder, *, n_images=5):
    """An ROI table and its folder: textured discs of different size, one of them without an ROI."""
    rows = []
    rng = np.random.default_rng(3)
    for place in range(n_images):
        name = f"p{place}"
        shape = (50 + place, 60)
        image = image_from(rng.gamma(3, 25, shape).clip(0, 255).astype(np.uint8))
        y, x = np.indices(shape)
        mask = image_from((((x - 30) / 18) ** 2 + ((y - 25) / (9 + place)) ** 2 <= 1).astype(np.uint8))
        roi = crop_roi(image, mask, margin_px=12)
        write_image(roi.image, folder / "rois" / f"{name}_image.nrrd")
        write_image(roi.mask, folder / "rois" / f"{name}_mask.nrrd")
        files = {part: f"{name}_{part}.nrrd" for part in ("image", "mask")}
        rows.append({"image_id": name, "patient_id": name, "view": "main", **files, "status": "ok"})
    rows[1] |= {"image": None, "mask": None, "status": "no_roi", "reason": "the mask marks no voxel"}
    table = pd.DataFrame(rows)
    table = table.reindex(columns=ROIS.names)
    write_table(table, folder / "rois.csv", ROIS)
    write_table(PREDICTED_ROIS.empty(), folder / "predicted.csv", PREDICTED_ROIS)


def run_stage(folder, *, out, params="params/radiomics.yaml", **variables):
    command = [sys.executable, "-m", "stages.radiomics", "--params", str(params), "--common", "params/common.yaml"]
    paths = {"table": "rois.csv", "rois": "rois", "features": out, "dictionary": f"{out}-words.csv"}
    (folder / "use.json").write_text('{"used": true, "outlines": true}', encoding="utf-8")
    paths |= {"use": "use.json", "engine-check": f"{out}-check.csv", "predicted": "predicted.csv"}
    command += [word for name, value in paths.items() for word in (f"--{name}", str(folder / value))]
    variables |= {"PATH": "/usr/bin:/bin", "FUSION_SCRATCH": str(folder / "scratch")}
    return subprocess.run(command, cwd=ROOT, env=variables, check=False, capture_output=True, text=True)


def test_command_line_writes_the_same_bytes_with_and_without_the_store(tmp_path):
    demo_rois(tmp_path)
    (tmp_path / "small.yaml").write_text(RadiomicsParams(settings=SMALL).model_dump_json())
    small = {"params": tmp_path / "small.yaml", "FUSION_STORE": str(tmp_path / "kept")}
    store = ContentStore(tmp_path / "kept", limit_bytes=0)
    done = run_stage(tmp_path, out="cold", FUSION_WORKERS="2", **small)
    assert done.returncode == 0, done.stderr
    assert "4 images, 0 of them finished earlier" in done.stderr
    assert store.count() == 4 + 3  # PyRadiomics has extracted three of them too
    for file in sorted(store.folder.glob("*/*.json"))[::2]:
        file.unlink()
    left = sum(b"warnings" in file.read_bytes() for file in store.folder.glob("*/*.json"))

    done = run_stage(tmp_path, out="again", FUSION_WORKERS="1", FUSION_STORE_GB="0", **small)
    assert f"4 images, {left} of them finished earlier" in done.stderr
    assert store.count() == 0
    for suffix in ("/radiomics.csv", "-words.csv", "-check.csv"):
        assert (tmp_path / f"cold{suffix}").read_bytes() == (tmp_path / f"again{suffix}").read_bytes()
    table = read_table(tmp_path / "again" / "radiomics.csv", RADIOMICS)
    assert table["status"].tolist() == ["ok", "no_roi", "ok", "ok", "ok"]
    assert table.shape == (5, 3 + 3)
    assert len(read_table(tmp_path / "again-words.csv", DICTIONARY)) == 3


def test_command_line_stops_with_one_sentence(tmp_path):
    demo_rois(tmp_path)
    (tmp_path / "radiomics.yaml").write_text("preset: ct3d\n")
    done = run_stage(tmp_path, out="out", params=tmp_path / "radiomics.yaml", FUSION_WORKERS="1")
    assert done.returncode == 1
    assert "preset ct3d: p0: the preset needs a volume" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_full_precision_survives_the_table(tmp_path):
    names = ("original_firstorder_Mean",)
    table = features_table([{"image_id": "007", "status": "ok", "reason": None, "values": [0.1 + 0.2]}], names=names)
    write_table(table, tmp_path / "features.csv", RADIOMICS)
    again = read_table(tmp_path / "features.csv", RADIOMICS)
    assert again.loc[0, "original_firstorder_Mean"] == 0.1 + 0.2
    assert again.loc[0, "image_id"] == "007"
