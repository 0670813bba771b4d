from own_study import HEAD, demo_params, own_study, write_rows

from pipeline.study.describe import description, diff, reasons, remarks
from pipeline.study.look import look
from pipeline.study.params_text import Change

CONTENTS = {
    "agreement": {"source": "perturbation"},
    "fusion": {"sets": {"radiomics": ["radiomics"]}},
    "compare": {"primary": None},
    "embed": {"input": {"image_size_px": 64}},
}


def seen(root, **given):
    return look(own_study(root, **given), params=demo_params(), same_root=False)


def test_what_is_found_is_described_by_topic(tmp_path):
    lines = description(seen(tmp_path, volumes=True, cohorts=("train", "external"), clinical=True))

    assert lines == [
        "source manifest in manifest.csv: 48 patients with 48 images, 48 with mask files",
        "3-D, spacing 0.5 x 0.5 x 2 mm (20 headers read, spread over all 48 images)",
        "views: main (48 images); sites: none given",
        "clinical columns in clinical.csv: age",
        "cohort train: 12 patients with the event, 12 without",
        "cohort external: 12 patients with the event, 12 without",
    ]


def test_unknown_spacing_and_absent_clinical_data_are_said(tmp_path):
    lines = description(seen(tmp_path))

    assert "2-D, the files give no spacing, so lengths are in px (20 headers read" in lines[1]
    assert lines[3:] == ["no clinical columns", "cohort all: 24 patients with the event, 24 without"]


def test_what_is_left_to_the_user_is_said(tmp_path):
    own_study(tmp_path, clinical=True)
    write_rows(tmp_path / "pet.csv", ("patient_id", "suv"), ("P00", 1))
    rows = (tmp_path / "manifest.csv").read_text().splitlines()
    second = [rows[0] + ",mask2", *(f"{row},images/P0{n}_main.png" for n, row in enumerate(rows[1:4]))]
    (tmp_path / "manifest.csv").write_text("\n".join([*second, *(row + "," for row in rows[4:])]))
    assert rows[0] == ",".join(HEAD)

    study = look(tmp_path, params=demo_params(), same_root=False)

    starts = [
        "pet.csv has a column patient_id",
        "3 images have a second",
        "there are clinical",
        "params/compare.yaml declares no primary",
        "params/embed.yaml has",
    ]
    found = list(remarks(study, contents=CONTENTS, is_demo=False))
    assert [line.startswith(start) for line, start in zip(found, starts, strict=True)] == [True] * 5
    assert len(list(remarks(study, contents=CONTENTS, is_demo=True))) == 4


def test_a_diff_names_its_file_and_each_reason_its_key():
    assert diff("a.yaml", "x: 1\ny: 2\n", "x: 1\ny: 3\n").splitlines() == [
        "--- params/a.yaml",
        "+++ params/a.yaml",
        "@@ -1,2 +1,2 @@",
        " x: 1",
        "-y: 2",
        "+y: 3",
    ]
    assert reasons([Change(file="a.yaml", key=("b", "c"), value=1, reason="so it is")]) == [
        "params/a.yaml, b.c: so it is"
    ]
