"""demo: the planted effects are present, the images are usable, and no patient depends on another."""

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from places import ROOT
from scipy.ndimage import label
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from pipeline.demo.anatomy import draw_plan, draw_scene
from pipeline.demo.nodule import contour_distance_mm, draw_nodule
from pipeline.demo.patients import DemoParams, clinical_table, draw_frame, draw_patient, draw_patients, images_of
from pipeline.demo.speckle import bmode, smooth_field, through_beam
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params, read_yaml

PARAMS = load_params(ROOT / "params" / "demo.yaml", DemoParams)
SITE = PARAMS.sites["A"]


def with_patients(n_patients):
    return PARAMS.model_copy(update={"n_patients": n_patients})


@pytest.fixture(scope="module")
def many():
    """3,600 patients: the label and the three latent scores."""
    drawn = draw_patients(with_patients(3600), seed=7)
    return pd.DataFrame([(p.label, p.shape, p.texture, p.clinical) for p in drawn], columns=["label", *SCORES])


SCORES = ["shape", "texture", "clinical"]


def latent_auc(table, *scores):
    """AUC of the best rule on the latent scores: independent and of SD 1, so each is weighted by its effect."""
    return roc_auc_score(table["label"], sum(getattr(PARAMS.effects, s) * table[s] for s in scores))


@pytest.mark.parametrize("score", SCORES)
def test_latent_score_has_the_declared_effect(many, score):
    declared = getattr(PARAMS.effects, score)
    groups = many.groupby("label")[score]
    pooled_sd = np.sqrt(groups.var().mean())
    assert groups.mean().diff()[1] / pooled_sd == pytest.approx(declared, abs=0.15)
    # Equal variances: AUC = Phi(d / sqrt 2).
    assert latent_auc(many, score) == pytest.approx(norm.cdf(declared / np.sqrt(2)), abs=0.015)


def test_order_of_the_blocks(many):
    shape, texture, clinical = (latent_auc(many, score) for score in SCORES)
    images = latent_auc(many, "shape", "texture")
    # Shape alone must not reach the whole: a mask that tells the outcome turns a light.
    assert PARAMS.effects.texture >= 2 > PARAMS.effects.shape
    assert max(shape, clinical) + 0.05 < texture
    assert images > texture + 0.02
    assert latent_auc(many, *SCORES) > images


def test_the_order_holds_in_the_default_study_and_no_auc_is_one():
    drawn = draw_patients(PARAMS, seed=2026)
    table = pd.DataFrame([(p.label, p.shape, p.texture, p.clinical) for p in drawn], columns=["label", *SCORES])
    shape, texture, clinical = (latent_auc(table, score) for score in SCORES)
    assert max(shape, clinical) < texture < latent_auc(table, *SCORES) < 1


def test_cohorts_events_and_sites():
    drawn = draw_patients(PARAMS, seed=3)
    table = pd.DataFrame([(p.cohort, p.label, p.site) for p in drawn], columns=["cohort", "label", "site"])
    # Five whole blocks of 36: the counts are the same for every seed.
    assert table.groupby("cohort")["label"].agg(["size", "sum"]).T.to_dict("list") == {
        "external": [40, 15],
        "internal": [35, 10],
        "train": [105, 30],
    }
    assert set(table.loc[table["cohort"] == "external", "site"]) == {"C"}
    assert set(table.loc[table["cohort"] != "external", "site"]) == {"A", "B"}


def test_a_patient_does_not_depend_on_the_number_of_patients():
    assert draw_patients(with_patients(181), seed=5)[:180] == draw_patients(PARAMS, seed=5)
    one, other = (draw_patient(17, with_patients(n), seed=5) for n in (20, 400))
    for left, right in zip(
        draw_frame(one, "long", 0, with_patients(20), seed=5),
        draw_frame(other, "long", 0, with_patients(400), seed=5),
        strict=True,
    ):
        np.testing.assert_array_equal(left, right)


def test_images_of_a_patient():
    chosen = {"trans_view": 1.0, "second_long": 1.0}
    every = PARAMS.model_copy(update=chosen)
    patient = draw_patient(0, every, seed=1)
    assert images_of(patient, every, seed=1) == [
        ("P0001_long", "long", 0),
        ("P0001_long_2", "long", 1),
        ("P0001_trans", "trans", 0),
    ]
    none = PARAMS.model_copy(update={"trans_view": 0.0, "second_long": 0.0})
    assert [image_id for image_id, _, _ in images_of(patient, none, seed=1)] == ["P0001_long"]
    frames = [
        draw_frame(patient, view, number, every, seed=1)[0] for _, view, number in images_of(patient, every, seed=1)
    ]
    assert len({frame.tobytes() for frame in frames}) == 3


@settings(max_examples=40, deadline=None)
@given(
    shape=st.floats(-6, 6),
    texture=st.floats(-6, 6),
    size_mm=st.floats(8, 20),
    view=st.sampled_from(["long", "trans"]),
    site=st.sampled_from(sorted(PARAMS.sites)),
    seed=st.integers(0, 2**32),
)
def test_every_nodule_is_one_component_inside_its_gland_and_off_the_edge(*, shape, texture, size_mm, view, site, seed):
    scanner = PARAMS.sites[site]
    anatomy, frame = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    nodule = draw_nodule(shape=shape, texture=texture, size_mm=size_mm, anatomy=anatomy, frame=frame)
    plan = draw_plan(nodule, view, scanner, rng=anatomy)
    scene = draw_scene(nodule, view, scanner, plan=plan, rng=frame)
    assert label(scene.nodule)[1] == 1
    assert not (scene.nodule & ~scene.gland).any()
    assert not any(
        side.any() for side in (scene.nodule[:3], scene.nodule[-3:], scene.nodule.T[:3], scene.nodule.T[-3:])
    )
    assert np.isfinite(scene.level_db).all()
    height, width = (np.ptp(np.flatnonzero(scene.nodule.any(axis=axis))) / scanner.px_per_mm for axis in (1, 0))
    assert max(height, width) == pytest.approx(size_mm, rel=0.45)


def test_latent_scores_drive_the_features_that_radiologists_score():
    def mean_of(what, **scores):
        given_scores = {"shape": 0.0, "texture": 0.0, "size_mm": 12.0, **scores}
        draws = [
            draw_nodule(**given_scores, anatomy=np.random.default_rng(i), frame=np.random.default_rng(1000 + i))
            for i in range(60)
        ]
        return np.mean([what(nodule) for nodule in draws])

    for what in (lambda n: n.half_height_mm / n.half_width_mm, lambda n: np.abs(n.waves).sum(), lambda n: n.margin_mm):
        assert mean_of(what, shape=-2.0) < mean_of(what, shape=0.0) < mean_of(what, shape=2.0)
        assert mean_of(what, texture=-2.0) == mean_of(what, texture=2.0)
    for what in (lambda n: -n.echo_db, lambda n: n.texture_db, lambda n: n.texture_mm, lambda n: len(n.spots)):
        assert mean_of(what, texture=-2.0) < mean_of(what, texture=0.0) < mean_of(what, texture=2.0)
        assert mean_of(what, shape=-2.0) == mean_of(what, shape=2.0)


def test_contour_without_harmonics_is_the_ellipse():
    drawn = draw_nodule(
        shape=0, texture=0, size_mm=12, anatomy=np.random.default_rng(0), frame=np.random.default_rng(1)
    )
    ellipse = type(drawn)(**{**vars(drawn), "waves": np.zeros_like(drawn.waves)})
    x = np.array([0.0, ellipse.half_width_mm, 0.0, 2 * ellipse.half_width_mm])
    y = np.array([0.0, 0.0, -ellipse.half_height_mm, 0.0])
    radius = np.sqrt(ellipse.half_width_mm * ellipse.half_height_mm)
    np.testing.assert_allclose(contour_distance_mm(ellipse, x, y), [radius, 0.0, 0.0, -radius], atol=1e-9)


def test_beam_keeps_the_power_of_noise_at_every_depth():
    noise = np.random.default_rng(0).standard_normal((SITE.height_px, 20000))
    power = (through_beam(noise, SITE) ** 2).mean(axis=1)
    # The first and last rows reflect at the edge of the frame.
    np.testing.assert_allclose(power[5:-5], 1.0, atol=0.08)


def test_gain_and_level_shift_the_grey_by_the_dynamic_range():
    flat = np.zeros((SITE.height_px, SITE.width_px))
    louder = SITE.model_copy(update={"gain_db": SITE.gain_db + 6.0})
    base, gain, level = (
        bmode(image, site, rng=np.random.default_rng(4)).mean()
        for image, site in ((flat, SITE), (flat, louder), (flat + 6.0, SITE))
    )
    step = 255.0 * 6.0 / SITE.dynamic_range_db
    assert gain - base == pytest.approx(step, abs=0.3)
    assert level - base == pytest.approx(step, abs=0.3)


@pytest.mark.parametrize("sigma", [(0.7, 3.0), (9.0, 13.0)])
def test_field_is_standardised_and_correlated(sigma):
    field = smooth_field(np.random.default_rng(2), (176, 224), sigma_px=sigma)
    assert field.shape == (176, 224)
    assert field.mean() == pytest.approx(0.0, abs=1e-4)
    assert field.std() == pytest.approx(1.0, abs=1e-4)
    # White noise blurred with sigma has the autocorrelation exp(-lag^2 / (4 sigma^2)).
    lag = round(sigma[1])
    measured = (field[:, lag:] * field[:, :-lag]).mean()
    assert measured == pytest.approx(np.exp(-(lag**2) / (4 * sigma[1] ** 2)), abs=0.15)


def test_clinical_table_has_missing_values_only_where_declared():
    table = clinical_table(draw_patients(PARAMS, seed=11))
    assert list(table.columns) == [
        "patient_id", "age", "sex", "size_mm", "multifocality", "capsular_invasion",
    ]  # fmt: skip
    gaps = table.isna().sum()
    assert gaps[["patient_id", "age", "sex"]].sum() == 0
    assert 1 <= gaps.sum() <= 0.1 * len(table) * 3
    assert set(table["sex"]) == {"F", "M"}
    assert table["age"].between(18, 85).all()
    whole = clinical_table(draw_patients(PARAMS.model_copy(update={"missing": 0.0}), seed=11))
    assert whole.notna().all(axis=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cohorts": {"train": {"sites": ["A"], "events": 10, "others": 20}}}, "must sum to 36, not 30"),
        ({"cohorts": {"train": {"sites": ["A", "Z"], "events": 10, "others": 26}}}, "sites Z are not among A, B, C"),
        ({"missing": 0.7}, "'missing' has the value 0.7"),
        ({"n_pateints": 20}, "'n_pateints' is not known"),
    ],
)
def test_wrong_params_are_named(tmp_path, change, message):
    from ruamel.yaml import YAML

    path = tmp_path / "demo.yaml"
    YAML().dump({**read_yaml(ROOT / "params" / "demo.yaml"), **change}, path)
    with pytest.raises(ParamsError, match=message):
        load_params(path, DemoParams)


def run_stage(folder, *, workers=1, n_patients="20", root="data/raw/demo"):
    text = (
        (ROOT / "params" / "demo.yaml")
        .read_text(encoding="utf-8")
        .replace("n_patients: 180", f"n_patients: {n_patients}")
    )
    folder.mkdir()
    (folder / "demo.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "stages.demo", "--params", folder / "demo.yaml"]
    command += ["--common", ROOT / "params" / "common.yaml", "--out", folder / "demo"]
    command += ["--root", root]
    environment = {"PATH": "/usr/bin:/bin", "FUSION_WORKERS": str(workers), "FUSION_SCRATCH": str(folder / "scratch")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_demo_is_drawn_for_its_own_root_alone(tmp_path):
    done = run_stage(tmp_path / "own", root=str(tmp_path))
    wrong = run_stage(tmp_path / "wrong", root="~/mine")

    assert done.returncode == 0
    assert "passed over: root in params/cohort.yaml is not data/raw/demo" in done.stderr
    assert [path.name for path in (tmp_path / "own" / "demo").iterdir()] == ["not_drawn.txt"]
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(
        "demo: ~/mine: there is no such folder, and ~ is not replaced by a path; set root in"
    )


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def pixels(path):
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_stage_writes_a_users_folder_independent_of_the_number_of_workers(tmp_path):
    for workers in (1, 2):
        done = run_stage(tmp_path / f"w{workers}", workers=workers)
        assert done.returncode == 0, done.stderr
    found = digests(tmp_path / "w1" / "demo")
    assert found == digests(tmp_path / "w2" / "demo")

    folder = tmp_path / "w1" / "demo"
    manifest = pd.read_csv(folder / "manifest.csv")
    assert list(manifest.columns) == ["patient_id", "image", "mask", "label", "view", "site", "cohort", "gland_mask"]
    named = {*manifest["image"], *manifest["mask"], *manifest["gland_mask"]}
    assert named | {"manifest.csv", "clinical.csv"} == set(found)
    assert manifest["patient_id"].nunique() == 20
    assert len({found[name] for name in manifest["image"]}) == len(manifest)
    row = manifest.iloc[0]
    image, mask, gland = (pixels(folder / row[name]) for name in ("image", "mask", "gland_mask"))
    site = PARAMS.sites[row["site"]]
    assert image.shape == mask.shape == gland.shape == (site.height_px, site.width_px)
    assert set(np.unique(mask)) == set(np.unique(gland)) == {0, 255}


def test_stage_rejects_wrong_params_in_one_sentence(tmp_path):
    done = run_stage(tmp_path / "bad", workers=1, n_patients="5")
    assert done.returncode == 1
    assert "key 'n_patients' has the value 5" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "bad" / "demo").exists()
