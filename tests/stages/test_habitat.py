"""The stage habitat on a drawn study: what it writes, with predicted masks, from the store, switched off."""

import numpy as np
import pandas as pd
import pytest
from planted_habitats import planted_habitats, run_stage, write_tables

from pipeline.contracts.data.crop import PREDICTED, ROIS
from pipeline.contracts.data.embed import read_embeddings
from pipeline.contracts.data.habitat import STATUS, read_clusterings
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.foundation.tables import read_table, write_table

BOTH = {"one": ["habitat", "peritumoral"]}


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_SCRATCH", str(tmp_path / "scratch"))


@pytest.fixture
def study(tmp_path):
    return planted_habitats(tmp_path, n=20, folds=2)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_blocks_clusters_label_maps_and_status(study):
    made = run_stage(write_tables(study, sets=BOTH))
    habitats, rings = (read_embeddings(made / f"{name}.csv") for name in ("habitat", "peritumoral"))

    assert set(habitats.ids) == {(name, "all") for name in ("cv-1-1", "cv-1-2", "final")}
    assert set(rings.ids) == {("all", "all")}
    rows = study.splits.groupby("resample").size()
    assert {resample: len(ids) for (resample, _), ids in habitats.ids.items()} == rows.to_dict()
    assert len(rings.ids["all", "all"]) == 20
    final, clusters = habitats.frame("final", "all"), read_clusterings(made / "regions" / "clusters")
    one = clusters["final", "all"]
    trained = study.splits[(study.splits["resample"] == "final") & (study.splits["role"] == "train")]["patient_id"]
    assert (one.k, one.n_voxels, one.trained_ids_sha256) == (2, 20 * len(trained), fingerprint(sorted(trained)))
    labels = array_of(read_image(made / "regions" / "labels" / "p003.nrrd"))
    mask = array_of(read_image(study.folder / "p003_mask.nrrd")) != 0
    assert set(np.unique(labels[mask])) == {1, 2}
    assert not labels[~mask].any()
    assert final.loc["p003", "habitat_1_fraction"] == (labels == 1).sum() / mask.sum()
    image = array_of(read_image(study.folder / "p003_image.nrrd"))
    assert final.loc["p003", "habitat_2_original_firstorder_Mean"] == pytest.approx(image[labels == 2].mean())
    status = read_table(made / "regions" / "status.csv", STATUS)
    assert status.groupby(["block", "resample", "status"]).size().to_dict() == {
        ("habitat", "all", "ok"): 20,
        ("peritumoral", "all", "ok"): 20,
    }


def test_a_second_run_finds_its_lesions_in_the_store_and_writes_the_same_bytes(study, monkeypatch):
    folder = write_tables(study, sets=BOTH)
    first = files_of(run_stage(folder))
    for module in ("habitats", "peritumoral"):
        monkeypatch.setattr(f"pipeline.habitat.{module}.region_values", None)

    assert first == files_of(run_stage(folder, out="again"))


def test_no_set_uses_them_so_nothing_is_read(study, caplog):
    folder = write_tables(study, sets={"one": ["clinical"]})
    for path in study.folder.glob("*.nrrd"):
        path.unlink()
    made = run_stage(folder)

    assert (made / "habitat.csv").read_text() == (made / "peritumoral.csv").read_text() == "resample,part,image_id\n"
    assert len(read_table(made / "regions" / "status.csv", STATUS)) == 0


def test_what_fails_is_a_row_with_its_reason_and_stops_no_other(study):
    size = (64, 64)
    one_pixel, whole, shore = np.zeros(size, np.uint8), np.ones(size, np.uint8), np.zeros(size, np.uint8)
    one_pixel[20, 20], shore[:3, 20:40] = 1, 1
    for name, mask in (("p000", one_pixel), ("p001", whole), ("p002", shore)):
        write_image(image_from(mask), study.folder / f"{name}_mask.nrrd")
    rois = study.rois.set_index("image_id")
    rois.loc["p004", ["status", "reason"]] = ["no_roi", "the mask marks no voxel"]
    write_tables(study, sets=BOTH)
    write_table(rois.reset_index(), study.folder.parent / "rois.csv", ROIS)
    made = run_stage(study.folder.parent)
    status = read_table(made / "regions" / "status.csv", STATUS).set_index(["block", "image_id"])
    rings = read_embeddings(made / "peritumoral.csv").frame("all", "all")

    assert status.loc[("habitat", "p000"), "reason"].startswith("the lesion has 1 voxels of one grey level")
    assert status.loc[("peritumoral", "p001"), "reason"].startswith("the mask covers its whole image")
    assert status.loc[("habitat", "p004"), "reason"] == "the mask marks no voxel"
    assert status["status"].value_counts().to_dict() == {"ok": 36, "no_roi": 2, "habitat_failed": 1, "ring_failed": 1}
    assert "min_inside is 80%" in status.loc[("peritumoral", "p002"), "reason"]
    assert rings.loc["p002", "outer_inside"] < 0.8
    assert rings.loc["p002", ["outer_absent", "inner_absent"]].tolist() == [1, 0]
    assert np.isnan(rings.loc["p002", "outer_original_firstorder_Mean"])
    assert not {"p000", "p004"} & set(read_embeddings(made / "habitat.csv").ids["final", "all"])
    assert "p001" in read_embeddings(made / "habitat.csv").ids["final", "all"]


def test_a_predicted_mask_differs_by_resample(study):
    rows = []
    for name in sorted(study.splits["resample"].unique()):
        shift = {"final": 0, "cv-1-1": 3, "cv-1-2": 6}[name]
        mask = np.roll(array_of(read_image(study.folder / "p005_mask.nrrd")), shift, axis=1)
        write_image(image_from(mask), study.folder / name / "p005_mask.nrrd")
        row = study.rois[study.rois["image_id"] == "p005"].assign(resample=name, mask=f"{name}/p005_mask.nrrd")
        rows.append(row.assign(mask_source=PREDICTED))
    predicted = pd.concat(rows)
    write_tables(study, sets=BOTH, predicted=predicted)
    used = study.rois.assign(mask_source="given")
    used.loc[used["image_id"] == "p005", ["mask", "mask_source"]] = ["final/p005_mask.nrrd", PREDICTED]
    write_table(used, study.folder.parent / "rois.csv", ROIS)
    made = run_stage(study.folder.parent)
    rings = read_embeddings(made / "peritumoral.csv")
    frames = [rings.frame(name, "all") for name in ("cv-1-1", "cv-1-2", "final")]
    status = read_table(made / "regions" / "status.csv", STATUS)

    assert [len(frame) for frame in frames] == [20] * 3
    column = "outer_original_firstorder_Mean"
    assert len({frame.loc["p005", column] for frame in frames}) == 3
    assert len({frame.loc["p006", column] for frame in frames}) == 1
    assert set(status.loc[status["image_id"] == "p005", "resample"]) == {"cv-1-1", "cv-1-2", "final"}
    assert set(status.loc[status["image_id"] == "p006", "resample"]) == {"all"}


def test_rings_beyond_the_crop_are_refused_before_any_work(study):
    folder = write_tables(study, sets=BOTH)
    (folder / "crop.yaml").write_text("{margin_px: 2, margin_mm: null}")

    with pytest.raises(ParamsError, match=r"params/crop\.yaml: the margin is 2 px in p000.*needs 3 px"):
        run_stage(folder)
