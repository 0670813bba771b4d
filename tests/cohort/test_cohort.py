"""cohort: a tiny study on disk, from the source to the tables."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from places import ROOT

from pipeline.cohort.audit import audit_table
from pipeline.cohort.cohort import (
    CohortParams,
    cohort_audit,
    exclude_cases,
    images_table,
    patients_table,
    read_source,
    stop_on_errors,
)
from pipeline.cohort.findings import Finding
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers.source import Source, SourceImage
from pipeline.contracts.data.cohort import AUDIT, BLOCK_ORIGINS, COHORT, NEAR_DUPLICATES, PATIENTS
from pipeline.foundation.errors import CohortError, ParamsError
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.tables import check_table, read_table
from pipeline.reduce.blocks import clinical_block

SHARED = ROOT.parent / "shared" / "data"
DDTI = """
source: ddti
root: ddti
reports: reports/own
exclude: {}
masks: {label: auto, mask_decode: threshold128, lesion: largest}
voxels: {min_roi_px: 64, min_roi_grey_levels: 8, max_roi_fraction: 0.95,
  colour_tolerance: 24, max_colour_fraction: 0.001}
tables: {min_class_count: 10, min_test_class_count: 10, min_separated: 5}
ddti: {positive: [4a, 4b, 4c, "5"], negative: ["2", "3"], unlabelled: drop, no_outline: drop, descriptors: false}
"""
OUTPUTS = ("cohort.csv", "patients.csv", "audit.csv", "images", "masks", "blocks", "origins.csv", "near")


def parameters(**changes):
    content = read_yaml(ROOT / "params" / "cohort.yaml")
    content["tables"] = {"min_class_count": 2, "min_test_class_count": 2, "min_separated": 2}
    return CohortParams.model_validate(content | changes)


def study(folder, *, patients=4, change=None):
    """A folder with a manifest of `patients` patients (labels 0, 1, 0, 1, …), one 30 x 20 image each, and age.

    `change` may alter the manifest before it is written.
    """
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    box = np.zeros((20, 30), dtype=np.uint8)
    box[4:14, 8:20] = 255
    rows = []
    for n in range(patients):
        Image.fromarray(rng.integers(0, 200, (20, 30), dtype=np.uint8)).save(folder / f"i{n}.png")
        Image.fromarray(box).save(folder / f"m{n}.png")
        rows.append(
            {"patient_id": f"00{n}", "image": f"i{n}.png", "mask": f"m{n}.png", "label": str(n % 2), "cohort": "train"}
        )
    table = pd.DataFrame(rows)
    table = change(table) if change else table
    table.to_csv(folder / "manifest.csv", index=False)
    ages = {"patient_id": table["patient_id"].unique(), "age": 40 + np.arange(table["patient_id"].nunique()) % 3}
    pd.DataFrame(ages).to_csv(folder / "clinical.csv", index=False)
    (folder / "genes.csv").write_text("patient_id,g1\n003,0.5\n000,1e-3\n", encoding="utf-8")
    return folder


def run_stage(folder, *, root, params=ROOT / "params" / "cohort.yaml", workers=1):
    outputs = [word for name in OUTPUTS for word in (f"--{name.removesuffix('.csv')}", str(folder / name))]
    command = [sys.executable, "-m", "stages.cohort", "--params", str(params), "--root", str(root), *outputs]
    environment = os.environ | {"FUSION_WORKERS": str(workers)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def small_params(folder):
    text = (ROOT / "params" / "cohort.yaml").read_text(encoding="utf-8")
    path = folder / "cohort.yaml"
    text = text.replace("class_count: 10", "class_count: 2").replace("blocks: {}", "blocks: {genes: genes.csv}")
    path.write_text(text, encoding="utf-8")
    return path


def listing(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_output_does_not_depend_on_the_number_of_workers(tmp_path):
    root, params = study(tmp_path / "study"), small_params(tmp_path)
    for workers in (1, 2):
        done = run_stage(tmp_path / f"out{workers}", root=root, params=params, workers=workers)
        assert done.returncode == 0, done.stderr

    one, two = listing(tmp_path / "out1"), listing(tmp_path / "out2")
    cohort = read_table(tmp_path / "out1" / "cohort.csv", COHORT)
    patients = read_table(tmp_path / "out1" / "patients.csv", PATIENTS)
    assert one == two
    assert cohort["image"].tolist() == ["i0.nrrd", "i1.nrrd", "i2.nrrd", "i3.nrrd"]
    assert patients["patient_id"].tolist() == patients["group_id"].tolist() == ["000", "001", "002", "003"]
    assert patients["age"].tolist() == [40, 41, 42, 40]
    assert one["blocks/genes.csv"] == b"patient_id,g1\n000,0.001\n001,\n002,\n003,0.5\n"
    assert one["origins.csv"] == b"block,trained_on\ngenes,unknown\n"
    assert not any(str(tmp_path).encode() in content for content in one.values())


def test_dates_and_origins_are_written_and_a_date_is_no_clinical_column(tmp_path):
    root = study(
        tmp_path / "study", change=lambda table: table.assign(date=["2021-03-01", "2021-03", "", "2020-01-01"])
    )
    params = small_params(tmp_path)
    text = params.read_text(encoding="utf-8").replace("genes.csv}", "{table: genes.csv, trained_on: these_patients}}")
    params.write_text(text, encoding="utf-8")

    done = run_stage(tmp_path, root=root, params=params)

    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "patients.csv", PATIENTS)
    assert table.columns.tolist() == ["patient_id", "group_id", "label", "site", "cohort", "date", "age"]
    assert table["date"].fillna("").tolist() == ["2021-03-01", "2021-03", "", "2020-01-01"]
    assert clinical_block(table).frame("final", "all").columns.tolist() == ["age"]
    assert read_table(tmp_path / "origins.csv", BLOCK_ORIGINS)["trained_on"].tolist() == ["these_patients"]
    audit = read_table(tmp_path / "audit.csv", AUDIT)
    assert audit.loc[audit["id"] == "date", ["check", "severity"]].values.tolist() == [["date_missing", "warning"]]


def test_ids_of_one_person_in_two_spellings_stop_the_stage(tmp_path):
    root = study(tmp_path / "study", change=lambda table: table.assign(patient_id=["P003", "007", "p003", "7"]))

    done = run_stage(tmp_path, root=root, params=small_params(tmp_path))

    assert done.returncode == 1
    assert done.stderr.count("[ids_alike]") == 2
    assert "the ids 'P003' and 'p003' differ only by case" in done.stderr
    assert "the ids '007' and '7' differ only by case" in done.stderr


def test_a_second_reader_s_masks_are_an_additional_column(tmp_path):
    def second(table):
        return table.assign(mask2=["m1.png", "", "", ""])

    done = run_stage(tmp_path, root=study(tmp_path / "study", change=second), params=small_params(tmp_path))
    assert done.returncode == 0, done.stderr

    cohort = read_table(tmp_path / "cohort.csv", COHORT)
    assert cohort["mask_reader2"].fillna("").tolist() == ["i0_reader2.nrrd", "", "", ""]
    assert (tmp_path / "masks" / "i0_reader2.nrrd").exists()


def test_all_errors_are_listed_after_the_audit_is_written(tmp_path):
    def spoil(table):
        table.loc[0, "image"], table.loc[1, "mask"], table.loc[3, "label"] = "none.png", "i1.png", ""
        return table

    root, params = study(tmp_path / "study", change=spoil), small_params(tmp_path)
    done = run_stage(tmp_path / "out", root=root, params=params)
    audit = read_table(tmp_path / "out" / "audit.csv", AUDIT)
    errors = audit[audit["severity"] == "error"]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all(check in set(errors["check"]) for check in ("image_missing", "unlabelled"))
    assert all(f"[{check}]" in done.stderr for check in errors["check"])
    assert str(tmp_path / "out" / "audit.csv") in done.stderr
    assert not (tmp_path / "out" / "patients.csv").exists()


def test_the_default_params_equal_the_importers_defaults():
    given = load_params(ROOT / "params" / "cohort.yaml", CohortParams)
    for name in ("ddti", "tn3k", "busi", "onekey", "mmcls"):
        section = getattr(given, name)
        assert section == type(section)(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "tn4k"}, "'manifest', 'ddti', 'tn3k', 'busi', 'onekey' or 'mmcls'"),
        ({"ddti": None, "source": "ddti"}, "the source is ddti, and its section 'ddti' is missing"),
        ({"exclude": {"a": ""}}, "exclude.a"),
        ({"voxel": {}}, "key 'voxel' is not known here"),
    ],
)
def test_wrong_parameters_are_one_sentence(tmp_path, change, message):
    from ruamel.yaml import YAML

    content = read_yaml(ROOT / "params" / "cohort.yaml") | change
    with (tmp_path / "p.yaml").open("w") as stream:
        YAML(typ="safe").dump(content, stream)
    with pytest.raises(ParamsError) as fault:
        load_params(tmp_path / "p.yaml", CohortParams)
    assert message.lower() in str(fault.value).lower()


def source(*pairs, findings=()):
    """A source with the given (image_id, patient_id) pairs; labels 0, 1, 0, 1, … by patient."""
    owners = list(dict.fromkeys(patient for _, patient in pairs))
    table = pd.DataFrame({"patient_id": owners, "label": [n % 2 for n in range(len(owners))]})
    return Source(
        images=[SourceImage(image_id=i, patient_id=p, image=Path(i), lesion=None) for i, p in pairs],
        patients=table.assign(site=None, cohort=None).astype({"label": "Int64"}),
        findings=list(findings),
    )


def test_excluded_cases_are_listed_with_their_reason_and_their_faults_become_infos():
    fault = Finding(scope="image", id="a1", check="mask_empty", severity="error", message="x")
    kept = exclude_cases(
        source(("a1", "A"), ("a2", "A"), ("b1", "B"), ("c1", "C"), findings=[fault]),
        reasons={"a1": "blurred", "B": "consent withdrawn"},
    )
    assert [i.image_id for i in kept.images] == ["a2", "c1"]
    assert kept.patients["patient_id"].tolist() == ["A", "C"]
    assert {(d.scope, d.id, d.rule) for d in kept.dropped} == {
        ("image", "a1", "excluded"),
        ("patient", "B", "excluded"),
    }
    assert "consent withdrawn" in next(d.message for d in kept.dropped if d.id == "B")
    assert [f.severity for f in kept.findings] == ["info"]


def test_a_patient_whose_last_image_is_excluded_is_excluded_too():
    kept = exclude_cases(source(("a1", "A"), ("b1", "B")), reasons={"a1": "blurred"})
    assert {(d.scope, d.id) for d in kept.dropped} == {("image", "a1"), ("patient", "A")}


def test_an_unknown_id_to_exclude_is_an_error_with_the_nearest_name():
    kept = exclude_cases(source(("P003_long", "P003")), reasons={"P003_lang": "typing error"})
    assert [(f.check, f.severity) for f in kept.findings] == [("exclude_unknown", "error")]
    assert "did you mean 'P003_long'?" in kept.findings[0].message


def imported(image_id, patient_id, pixels):
    row = {"image_id": image_id, "patient_id": patient_id, "view": "main", "image": f"{image_id}.nrrd"}
    return ImportedImage(image_id=image_id, patient_id=patient_id, row=row, pixels=pixels)


def test_patients_that_share_an_image_are_one_group():
    given = source(("a", "A"), ("b", "B"), ("c", "C"))
    images = [imported("a", "A", "x"), imported("b", "B", "y"), imported("c", "C", "x")]
    table = patients_table(given.patients, imported=images)
    assert table["group_id"].tolist() == ["A", "B", "A"]
    check_table(table, PATIENTS, place="patients")
    check_table(images_table(images), COHORT, place="cohort")


def near_study(folder, **changes):
    """A study whose patient 003 has the image of patient 000, mirrored."""
    root = study(folder / "study", change=lambda table: table.assign(**changes))
    with Image.open(root / "i0.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "i3.png")
    return root


@pytest.mark.parametrize(("mode", "group"), [("join", "000"), ("report", "003"), ("off", "003")])
def test_near_duplicates_are_joined_reported_or_not_searched(tmp_path, mode, group):
    root, params = near_study(tmp_path, label="0"), small_params(tmp_path)
    table = root / "manifest.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("m1.png,0", "m1.png,1").replace("m2.png,0", "m2.png,1"))
    text = params.read_text(encoding="utf-8").replace("near_duplicates: join", f"near_duplicates: {mode}")
    params.write_text(text, encoding="utf-8")

    done = run_stage(tmp_path, root=root, params=params)

    assert done.returncode == 0, done.stderr
    patients = read_table(tmp_path / "patients.csv", PATIENTS).set_index("patient_id")
    assert patients["group_id"].tolist() == ["000", "001", "002", group]
    pairs = read_table(tmp_path / "near" / "pairs.csv", NEAR_DUPLICATES)
    columns = ["patient_a", "patient_b", "mirrored", "joined"]
    assert pairs[columns].values.tolist() == ([] if mode == "off" else [["000", "003", 1, int(mode == "join")]])
    assert len(list((tmp_path / "near").glob("*.png"))) == 2 * len(pairs)
    checks = set(read_table(tmp_path / "audit.csv", AUDIT)["check"])
    assert {"near_duplicate", "near_duplicates_off"} & checks == {
        "near_duplicates_off" if mode == "off" else "near_duplicate"
    }


def test_near_duplicates_across_cohorts_stop_the_stage_after_their_pairs_are_written(tmp_path):
    root = near_study(tmp_path, cohort=["train", "train", "train", "external"])

    done = run_stage(tmp_path, root=root, params=small_params(tmp_path))

    assert done.returncode == 1
    assert "of patient 000, train and" in done.stderr
    assert "[near_duplicate_across_cohorts]" in done.stderr
    assert len(read_table(tmp_path / "near" / "pairs.csv", NEAR_DUPLICATES)) == 1
    assert not (tmp_path / "patients.csv").exists()


def test_audit_gives_paths_relative_to_the_root_and_warns_of_missing_patient_ids(tmp_path):
    fault = Finding(scope="image", id="a", check="image_missing", severity="error", message=f"{tmp_path}/x/a.png: gone")
    given = source(("a", "a"), ("b", "b"), findings=[fault])
    given.has_patient_ids = False
    found = {f.check: f for f in cohort_audit(given, imported=[], root=tmp_path, params=parameters())}
    assert found["image_missing"].message == "x/a.png: gone"
    assert found["no_patient_ids"].severity == "warning"
    assert found["class_too_small"].severity == "error"


def test_only_errors_stop_the_stage():
    warning = Finding(scope="image", id="a", check="roi_small", severity="warning", message="x")
    stop_on_errors([warning], audit=Path("audit.csv"))
    with pytest.raises(CohortError, match=r"^1 fault stops the cohort"):
        stop_on_errors(
            [Finding(scope="image", id="a", check="roi_small", severity="error", message="x")], audit=Path("a")
        )


@pytest.mark.skipif(not (SHARED / "ddti").is_dir(), reason="the DDTI images are not here")
def test_ddti_with_all_its_faults(tmp_path):
    (tmp_path / "ddti.yaml").write_text(DDTI, encoding="utf-8")
    given = read_source(SHARED / "ddti", params=load_params(tmp_path / "ddti.yaml", CohortParams))
    audit = audit_table([*given.findings])
    assert (len(given.images), len(given.patients)) == (341, 291)
    assert given.patients["label"].value_counts().to_dict() == {1: 240, 0: 51}
    assert (audit["check"] == "cut_polygon_text").sum() == 8
    assert (audit["severity"] != "error").all()
