"""What breaks radiomics: a fault of an ROI is its row and its reason, a fault of the machine stops the stage."""

import errno
import resource
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from places import ROOT

import pipeline.radiomics.features as step
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import PipelineError, machine_fault
from pipeline.foundation.images import array_of, image_from, write_image
from pipeline.foundation.tables import read_table, write_table
from pipeline.radiomics.features import ExtractionCase, RadiomicsParams, extract_case, prepare
from pipeline.radiomics.recipe import synthetic_lesion

FIRST_ORDER = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"], "glcm": ["Contrast"]}}
TO_1_MM = {"setting": {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkNearestNeighbor", "padDistance": 0}}


def roi(folder, name, *, marked=None, values=None, spacing=None):
    """A volume of 40 x 40 x 40 voxels with a ball, or with the voxels `marked` by an index."""
    image, mask = synthetic_lesion("3-D")
    if values is not None:
        image = image_from(values, like=image)
    if marked is not None:
        array = np.zeros(array_of(mask).shape, dtype=np.uint8)
        array[marked] = 1
        mask = image_from(array, like=mask)
    for part, kind in ((image, "image"), (mask, "mask")):
        part.SetSpacing(spacing or (1.0, 1.0, 1.0))
        write_image(part, folder / f"{name}_{kind}.nrrd")
    files = {kind: folder / f"{name}_{kind}.nrrd" for kind in ("image", "mask")}
    return ExtractionCase(image_id=name, **files, status="ok", reason=None)


def pet():
    """A volume in Bq/ml: up to 60,000."""
    return np.random.default_rng(0).gamma(2.0, 8000.0, (40, 40, 40)).clip(0, 60_000).astype(np.float32)


# The ROI, settings beside those above, and the reason in its row.
OF_THE_ROI = {
    "a line": ({"marked": np.s_[20, 20, 5:30]}, {}, "the ROI is a line of voxels, .*; draw the whole lesion"),
    "one voxel": ({"marked": np.s_[20, 20, 20]}, {}, "every voxel of the ROI has the same grey level"),
    "lost in resampling": (
        {"spacing": (0.01, 0.01, 0.01), "marked": np.s_[3:7, 3:7, 3:7]},
        TO_1_MM,
        "no voxel left after resampling; set a smaller resampledPixelSpacing, or check the voxel size",
    ),
    "PET with bins of 25": (
        {"values": pet()},
        {},
        r"has \d{4} grey levels \(binWidth is 25 .*set binWidth to about .* or binCount",
    ),
    "NaN": ({"values": np.full((40, 40, 40), np.nan)}, {}, "the crop holds 64000 NaN or infinite voxels"),
}  # fmt: skip


@pytest.mark.parametrize("fault", OF_THE_ROI)
def test_a_fault_of_an_roi_is_its_reason_and_stops_no_other(tmp_path, fault):
    made, settings, reason = OF_THE_ROI[fault]
    good, bad = roi(tmp_path, "good"), roi(tmp_path, "bad", **made)
    recipe = prepare(RadiomicsParams(settings=FIRST_ORDER | settings), cases=[good])
    store = ContentStore(tmp_path / "scratch", limit_bytes=10**9)
    rows = [extract_case(case, recipe=recipe, store=store) for case in (bad, good)]

    assert [row["status"] for row in rows] == ["extraction_failed", "ok"]
    pd.testing.assert_series_equal(pd.Series([rows[0]["reason"]]).str.contains(reason), pd.Series([True]))
    assert "\n" not in rows[0]["reason"]


def damaged(path):
    path.write_bytes(path.read_bytes()[:50])


def swallowed(*_, **__):
    raise MemoryError("Unable to allocate 3 GiB")


def itk_lacks_memory(*_, **__):
    raise RuntimeError("ITK ERROR: Failed to allocate memory for image.")


def full(_):
    raise OSError(errno.ENOSPC, "No space left on device")


def failing(name, fault):
    """Let a function fail."""
    return lambda patch, _: patch.setattr(name, fault)


# What happens to the first of two ROIs, and the sentence.
OF_THE_MACHINE = {
    "no such file": (lambda _, case: case.image.unlink(), "bad_image.nrrd: No such file or directory; run the stage"),
    "a cut file": (lambda _, case: damaged(case.mask), "bad_mask.nrrd: .*check the disk, and run crop again"),
    "no memory in our features": (
        failing("pipeline.radiomics.engine.extract.first_order", swallowed),
        "there is too little memory .*3 GiB.*FUSION_WORKERS",
    ),
    "no memory in ITK": (
        failing("pipeline.radiomics.engine.extract.prepare", itk_lacks_memory),
        "there is too little memory .*FUSION_WORKERS",
    ),
    "no memory in a filter of PyRadiomics": (
        failing("radiomics.imageoperations.cropToTumorMask", swallowed),
        "there is too little memory .*3 GiB.*FUSION_WORKERS",
    ),
    # PyRadiomics catches this one itself, and returns NaN.
    "no memory in a feature of PyRadiomics": (
        failing("radiomics.glcm.RadiomicsGLCM.getContrastFeatureValue", swallowed),
        "there is too little memory .*FUSION_WORKERS",
    ),
    "no memory in ITK under PyRadiomics": (
        failing("radiomics.imageoperations.getMask", itk_lacks_memory),
        "there is too little memory .*FUSION_WORKERS",
    ),
    "a full disk": (
        failing("os.fsync", full),
        "scratch.*: No space left on device; free space .*finished cases are kept",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", OF_THE_MACHINE)
def test_a_fault_of_the_machine_stops_the_stage_and_finished_cases_stay(tmp_path, monkeypatch, fault):
    happens, sentence = OF_THE_MACHINE[fault]
    another = array_of(synthetic_lesion("3-D")[0]) + 1  # the same voxels would be found in the store
    good, bad = roi(tmp_path, "good"), roi(tmp_path, "bad", values=another)
    engine = "pyradiomics" if "PyRadiomics" in fault else "fast"
    recipe = prepare(RadiomicsParams(settings=FIRST_ORDER, engine=engine), cases=[good])
    store = ContentStore(tmp_path / "scratch", limit_bytes=10**9)
    work = partial(extract_case, recipe=recipe, store=store)
    work(good)
    happens(monkeypatch, bad)
    with pytest.raises((PipelineError, OSError, MemoryError), match=r".*") as caught:
        work(bad)
    told = str(caught.value) if isinstance(caught.value, PipelineError) else machine_fault(caught.value)

    assert pd.Series([told]).str.contains(sentence).all(), told
    assert "\n" not in told
    assert store.count() == 1


@pytest.mark.parametrize("kept", [0, 20, 100])
def test_a_cut_checkpoint_is_computed_again(tmp_path, kept):
    case = roi(tmp_path, "a")
    recipe = prepare(RadiomicsParams(settings=FIRST_ORDER), cases=[case])
    store = ContentStore(tmp_path / "scratch", limit_bytes=10**9)
    first = extract_case(case, recipe=recipe, store=store)
    (file,) = store.folder.glob("*/*.json")
    whole = file.read_bytes()
    file.write_bytes(whole[:kept].ljust(len(whole), b"\0"))

    assert extract_case(case, recipe=recipe, store=store) == first
    assert file.read_bytes() == whole


def test_a_bug_is_no_fault_of_the_roi(tmp_path, monkeypatch):
    case = roi(tmp_path, "a")
    recipe = prepare(RadiomicsParams(settings=FIRST_ORDER), cases=[case])

    def bug(*_, **__):
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(step, "extract", bug)
    with pytest.raises(TypeError, match="unexpected keyword"):
        extract_case(case, recipe=recipe, store=ContentStore(tmp_path / "scratch", limit_bytes=10**9))


def run_stage(folder, *, file_limit=None, workers="1"):
    paths = {
        "params": "radiomics.yaml",
        "table": "rois.csv",
        "rois": "",
        "predicted": "predicted.csv",
        "features": "out",
        "dictionary": "words.csv",
        "use": "use.json",
        "engine-check": "check.csv",
    }
    (folder / "use.json").write_text('{"used": true, "outlines": true}', encoding="utf-8")
    words = [word for name, value in paths.items() for word in (f"--{name}", str(folder / value))]
    environment = {"PATH": "/usr/bin:/bin", "FUSION_SCRATCH": str(folder / "scratch"), "FUSION_WORKERS": workers}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # under the limit, Python itself would leave cut files

    def limited():
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    command = [sys.executable, "-m", "stages.radiomics", *words, "--common", str(ROOT / "params" / "common.yaml")]
    return subprocess.run(
        command, cwd=ROOT, env=environment, preexec_fn=limited, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_that_takes_no_more_stops_the_stage_with_one_sentence_and_no_table(tmp_path, workers):
    rows = []
    for name in "ab":
        case = roi(tmp_path, name)
        files = {"image": case.image.name, "mask": case.mask.name}
        rows.append({"image_id": name, "patient_id": name, "view": "main", "status": "ok", **files})
    write_table(pd.DataFrame(rows).reindex(columns=ROIS.names), tmp_path / "rois.csv", ROIS)
    write_table(PREDICTED_ROIS.empty(), tmp_path / "predicted.csv", PREDICTED_ROIS)
    settings = "settings: {imageType: {Original: {}}, featureClass: {firstorder: []}}"
    (tmp_path / "radiomics.yaml").write_text(f"preset: null\n{settings}\n")
    done = run_stage(tmp_path, file_limit=256, workers=workers)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "File too large; free space on this disk" in last
    assert "scratch/store" in last
    assert not (tmp_path / "out" / "radiomics.csv").exists()

    assert run_stage(tmp_path).returncode == 0
    assert read_table(tmp_path / "out" / "radiomics.csv", RADIOMICS)["status"].tolist() == ["ok", "ok"]
    assert sitk.ReadImage(str(tmp_path / "a_image.nrrd")).GetSize() == (40, 40, 40)
