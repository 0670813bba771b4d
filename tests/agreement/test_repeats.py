"""agreement: whose masks are repeated, and that repeats are processed as the first mask is."""

import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.agreement.agreement import feature_agreement
from pipeline.agreement.measures import measures_of
from pipeline.agreement.repeats import (
    AgreementParams,
    drawn_images,
    examples,
    measured_blocks,
    passed_over,
    repeat_case,
    repeat_cases,
    repeat_costs,
    repeats_tables,
    with_used_masks,
)
from pipeline.contracts.data.agreement import AGREEMENT, REPEATS
from pipeline.contracts.data.cohort import COHORT, MASK_READER2
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import SPLITS
from pipeline.crop.rois import CropParams, crop_case, crop_cases, rois_table
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.habitat.params import HabitatParams
from pipeline.plan.radiomics_use import RadiomicsUse
from pipeline.radiomics import features
from pipeline.radiomics.features import RadiomicsParams, extract_case, extraction_cases, features_table, prepare
from pipeline.statistics.overlap import dice

CROP = CropParams(margin_px=3, margin_mm=None)
RADIOMICS = RadiomicsParams(
    settings={
        "imageType": {"Original": {}},
        "featureClass": {"firstorder": ["Mean"], "shape2D": ["PixelSurface", "Sphericity"]},
    }
)
HABITAT = load_params(ROOT / "params" / "habitat.yaml", HabitatParams)
SHIPPED = load_params(ROOT / "params" / "agreement.yaml", AgreementParams)
EMPTY = ["site", "gland_mask", "mask_source", *(f"spacing_{axis}_mm" for axis in "xyz")]


def with_params(**changes):
    return SHIPPED.model_copy(update=changes)


def study(n=6):
    """`n` training patients with two images each and one held-out patient: cohort and splits."""
    ids = [f"p{place}" for place in range(n + 1)]
    rows = [{"image_id": f"{p}_{view}", "patient_id": p, "view": view} for p in ids for view in ("long", "trans")]
    cohort = pd.DataFrame(rows).assign(**dict.fromkeys(EMPTY))
    cohort["image"] = cohort["mask"] = cohort["image_id"] + ".nrrd"
    cohort[MASK_READER2] = [f"{i}_reader2.nrrd" if i.endswith("long") else None for i in cohort["image_id"]]
    roles = ["train"] * n + ["external"]
    split = {"patient_id": ids, "role": roles, "half": None}
    fold = {"patient_id": ids, "role": ["cv", *["train"] * (n - 1), "train"], "half": None}
    splits = [pd.DataFrame(split).assign(resample="final"), pd.DataFrame(fold).assign(resample="cv-1-1")]
    return cohort, pd.concat(splits, ignore_index=True)


def write_images(cohort, folder):
    """Noisy frames, each with a disc of its own radius; the second reader's disc is 2 px wider."""
    y, x = np.indices((48, 48))
    for place, row in enumerate(cohort.to_dict("records")):
        noise = np.random.default_rng(place).integers(0, 200, (48, 48))
        write_image(image_from(noise.astype(np.uint8)), folder / "images" / row["image"])
        for name, radius in ((row["mask"], 8 + place % 7), (row[MASK_READER2], 10 + place % 7)):
            disc = (y - 24) ** 2 + (x - 24) ** 2 <= radius**2
            if isinstance(name, str):
                write_image(image_from(disc.astype(np.uint8)), folder / "masks" / name)


def repeats(folder, *, params, cohort, n=6):
    """`data/repeats.csv` of `cohort` written and read as in the stage."""
    _, splits = study(n)
    drawn, _ = drawn_images(cohort, splits=splits, params=params, seed=1)
    cases = repeat_cases(drawn, images=folder / "images", masks=folder / "masks", params=params)
    given = {"radiomics": RADIOMICS, "habitat": HABITAT, "clusterings": {}, "splits": splits, "cases": examples(cases)}
    measures = measures_of(["radiomics"], **given)
    store = ContentStore(folder / "scratch", limit_bytes=10**9)
    repeat = partial(repeat_case, params=params, crop=CROP, measures=measures, store=store, seed=1)
    tables = repeats_tables([repeat(case) for case in cases], columns=measures.columns)
    assert list(tables) == [("radiomics", "all", "all")]
    return tables["radiomics", "all", "all"]


def test_only_training_patients_of_final_and_each_patient_first():
    cohort, splits = study()
    drawn, n_excluded = drawn_images(cohort, splits=splits, params=with_params(images=6), seed=0)

    assert n_excluded == 0
    assert drawn["patient_id"].tolist() == [f"p{place}" for place in range(6)]
    assert len(drawn_images(cohort, splits=splits, params=with_params(images=None), seed=0)[0]) == 12


def test_the_draw_follows_the_seed_and_not_the_order_of_rows():
    cohort, splits = study()
    draw = partial(drawn_images, splits=splits, params=with_params(images=3))

    first = draw(cohort, seed=0)[0]["image_id"].tolist()
    assert draw(cohort[::-1], seed=0)[0]["image_id"].tolist() == first
    assert any(draw(cohort, seed=seed)[0]["image_id"].tolist() != first for seed in range(1, 5))


def test_images_without_a_second_reader_are_excluded_and_counted():
    cohort, splits = study()
    second = with_params(source="second_reader", images=None)
    drawn, n_excluded = drawn_images(cohort, splits=splits, params=second, seed=0)

    assert (set(drawn["view"]), len(drawn), n_excluded) == ({"long"}, 6, 6)
    with pytest.raises(PipelineError, match="0 training images have masks of a second reader"):
        drawn_images(cohort.drop(columns=MASK_READER2), splits=splits, params=second, seed=0)


def test_the_first_mask_is_processed_as_in_crop_and_radiomics(tmp_path):
    cohort, _ = study()
    write_images(cohort, tmp_path)
    found = repeats(tmp_path, params=with_params(images=None), cohort=cohort)

    folders = {"images": tmp_path / "images", "masks": tmp_path / "masks"}
    crops = [crop_case(case, params=CROP, rois=tmp_path / "rois") for case in crop_cases(cohort[:12], **folders)]
    cases = extraction_cases(rois_table(crops), folder=tmp_path / "rois")
    recipe = prepare(RADIOMICS, cases=cases)
    store = ContentStore(tmp_path / "other", limit_bytes=10**9)
    expected = features_table([extract_case(c, recipe=recipe, store=store) for c in cases], names=recipe.names)
    first = found[found["repeat"] == "0"].drop(columns=["repeat", "dice"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(first, expected)
    assert found.groupby("image_id")["repeat"].apply(list).tolist() == [["0", "1", "2"]] * 12
    contour = found[found["repeat"] != "0"]
    assert contour["dice"].between(0.5, 0.999).all()
    assert (contour["original_shape2D_PixelSurface"].to_numpy()[::2] != first["original_shape2D_PixelSurface"]).any()


def test_more_images_do_not_change_the_contours_of_each_and_only_theirs_are_extracted(tmp_path, monkeypatch):
    cohort, _ = study()
    write_images(cohort, tmp_path)
    computed, real = [], features.extract
    monkeypatch.setattr(features, "extract", lambda *args, **parts: computed.append(1) or real(*args, **parts))
    few = repeats(tmp_path, params=with_params(images=4), cohort=cohort)
    assert len(computed) == 4 * 3
    many = repeats(tmp_path, params=with_params(images=None), cohort=cohort)
    assert len(computed) == 12 * 3

    pd.testing.assert_frame_equal(
        many[many["image_id"].isin(few["image_id"])].reset_index(drop=True), few, check_exact=True
    )


def test_a_second_reader_with_wider_masks_by_hand(tmp_path):
    cohort, _ = study()
    write_images(cohort, tmp_path)
    found = repeats(tmp_path, params=with_params(source="second_reader", repeats=9), cohort=cohort).set_index(
        ["image_id", "repeat"]
    )

    for image in sorted(set(found.index.get_level_values(0))):
        masks = [array_of(read_image(tmp_path / "masks" / f"{image}{end}.nrrd")) for end in ("", "_reader2")]
        assert found.loc[(image, "1"), "dice"] == dice(*masks)
        assert found.loc[image, "original_shape2D_PixelSurface"].tolist() == [mask.sum() for mask in masks]
    agreement = feature_agreement(found.reset_index()).set_index("feature")["icc"]
    assert agreement["original_shape2D_PixelSurface"] < 0.9  # a shift between readers counts


def test_a_mask_without_a_contour_keeps_its_row(tmp_path):
    cohort, _ = study()
    write_images(cohort, tmp_path)
    write_image(image_from(np.ones((48, 48), dtype=np.uint8)), tmp_path / "masks" / "p1_long.nrrd")
    write_image(image_from(np.zeros((48, 48), dtype=np.uint8)), tmp_path / "masks" / "p2_long.nrrd")
    (tmp_path / "masks" / "p3_long.nrrd").write_bytes(b"no mask")
    found = repeats(tmp_path, params=with_params(images=None), cohort=cohort).set_index(["image_id", "repeat"])

    assert found.loc["p1_long", "status"].tolist() == ["ok", "no_repeat", "no_repeat"]
    assert found.loc[("p1_long", "1"), "reason"] == "the mask covers the whole image; there is no contour to perturb"
    assert found.loc["p2_long", "status"].tolist() == ["no_roi", "no_repeat", "no_repeat"]
    assert found.loc["p3_long", "status"].tolist() == ["crop_failed", "no_repeat", "no_repeat"]
    assert str(tmp_path) not in " ".join(found["reason"].dropna())
    assert feature_agreement(found.reset_index())["n_images"].tolist() == [9, 9, 9]


def run_stage(folder, *, out, workers=1, store_gb=5, **changes):
    """The stage on the files of `folder`; gives the bytes of its two tables, and what it said."""
    text = (ROOT / "params" / "agreement.yaml").read_text(encoding="utf-8")
    for name, value in changes.items():
        text = text.replace(f"{name}: {getattr(SHIPPED, name)}", f"{name}: {value}")
    (folder / "agreement.yaml").write_text(text, encoding="utf-8")
    settings = RADIOMICS.model_dump_json()
    (folder / "radiomics.yaml").write_text(settings, encoding="utf-8")
    paths = {"params": "agreement.yaml", "radiomics": "radiomics.yaml", "cohort": "cohort.csv", "splits": "splits.csv"}
    paths |= {"images": "images", "masks": "masks", "repeats": f"{out}/repeats.csv", "table": f"{out}/agreement.csv"}
    (folder / "use.json").write_text('{"used": true, "outlines": true}', encoding="utf-8")
    write_table(MASKS.empty(), folder / "predictions.csv", MASKS)
    paths |= {"use": "use.json", "predictions": "predictions.csv", "predicted-masks": "predicted", "regions": "habitat"}
    command = [sys.executable, "-m", "stages.agreement", "--common", "params/common.yaml", "--crop", "params/crop.yaml"]
    command += ["--habitat", "params/habitat.yaml", "--fusion", "params/fusion.yaml"]
    command += [word for name, value in paths.items() for word in (f"--{name}", str(folder / value))]
    scratch = folder / "scratch"
    variables = {"FUSION_WORKERS": str(workers), "FUSION_SCRATCH": str(scratch), "FUSION_STORE_GB": str(store_gb)}
    done = subprocess.run(
        command, cwd=ROOT, env=variables | {"PATH": "/usr/bin:/bin"}, check=True, capture_output=True, text=True
    )
    return [(folder / out / f"{name}.csv").read_bytes() for name in ("repeats", "agreement")], done.stderr


def test_only_blocks_of_a_set_are_measured():
    use = RadiomicsUse(used=False, outlines=True)
    assert measured_blocks(use, blocks=["clinical", "habitat"]) == ["habitat"]
    assert measured_blocks(use.model_copy(update={"predicted": True}), blocks=["peritumoral"]) == [
        "radiomics",
        "peritumoral",
    ]
    assert passed_over(SHIPPED, use=use, blocks=["habitat"]) is None
    assert "uses radiomics, habitats or rings" in passed_over(SHIPPED, use=use, blocks=["clinical"])


def test_a_larger_mask_is_a_longer_case(tmp_path):
    cohort, _ = study()
    write_images(cohort, tmp_path)
    folders = {"images": tmp_path / "images", "masks": tmp_path / "masks"}
    cases = repeat_cases(cohort[:2], params=with_params(repeats=1), **folders)
    (tmp_path / "masks" / cohort["mask"][0]).unlink()
    costs = repeat_costs(cases)

    assert costs[0] == costs[1] == 1
    assert costs[2] == costs[3] > 1


def test_command_line_writes_the_same_bytes_with_and_without_the_store(tmp_path):
    cohort, splits = study()
    write_images(cohort, tmp_path)
    write_table(cohort, tmp_path / "cohort.csv", COHORT)
    write_table(splits, tmp_path / "splits.csv", SPLITS)

    first, _ = run_stage(tmp_path, out="one", images=4, store_gb=0)
    second, told = run_stage(tmp_path, out="two", images=4, workers=2)
    assert first == second
    assert "0 of 12 masks were finished earlier" in told
    assert ContentStore(tmp_path / "scratch" / "store", limit_bytes=0).count() == 12
    assert len(read_table(tmp_path / "one" / "repeats.csv", REPEATS)) == 4 * 3
    assert read_table(tmp_path / "one" / "agreement.csv", AGREEMENT)["n_images"].tolist() == [4, 4, 4]
    assert run_stage(tmp_path, out="none", source="none")[0] == [
        b"image_id,repeat,status,reason,dice\n",
        b"block,part,feature,form,icc,ci_low,ci_high,n_images,n_repeats\n",
    ]


def test_the_masks_that_the_study_uses_are_repeated(tmp_path):
    cohort = pd.DataFrame({"image_id": ["1", "2", "3"], "mask": ["1.nrrd", None, "3.nrrd"]}).astype("str")
    cohort.loc[1, "mask"] = None
    about = {"resample": ["final", "final", "cv-1-1", "final"], "image_id": ["2", "3", "2", "1"]}
    masks = {"mask": ["final/2.nrrd", "final/3.nrrd", "cv-1-1/2.nrrd", "final/1.nrrd"]}
    predictions = pd.DataFrame(about | masks | {"used": [1, 1, 1, 0], "status": ["ok", "empty", "ok", "ok"]})
    found = with_used_masks(cohort, predictions, folder=tmp_path)["mask"]

    assert found[:2].to_list() == ["1.nrrd", str(tmp_path / "final/2.nrrd")]
    assert pd.isna(found[2])  # the prediction is empty
