import re
from pathlib import Path

import pytest
from own_study import HEAD, demo_params, own_study, write_rows

from pipeline.foundation.errors import CohortError
from pipeline.study.look import look, study_folder


def seen(root, *, same_root=False, **changes):
    return look(root, params=demo_params().model_copy(update=changes), same_root=same_root)


def test_a_study_of_two_views_with_cohorts_and_clinical_data(tmp_path):
    study = seen(own_study(tmp_path, views=("long", "trans"), cohorts=("train", "external"), clinical=True))

    assert study.faults == ()
    assert (study.form, dict(study.views), dict(study.lesions)) == ("2-D", {"long": 48, "trans": 48}, {"files": 96})
    assert study.clinical == ["age"]
    assert study.class_counts().to_dict("index") == {"train": {1: 12, 0: 12}, "external": {1: 12, 0: 12}}
    assert len(study.headers) == 20
    assert study.bytes_of_images == 96 * study.headers[0].bytes_on_disk


def test_volumes_without_cohorts(tmp_path):
    study = seen(own_study(tmp_path, volumes=True))

    assert (study.form, list(study.class_counts().index)) == ("3-D", ["all"])
    assert study.params.manifest.clinical is None


def test_without_any_mask_the_whole_image_is_the_lesion(tmp_path):
    study = seen(own_study(tmp_path, masks=False))

    assert (dict(study.lesions), study.params.manifest.roi, study.faults) == ({"full": 48}, "full", ())


def test_exclusions_of_another_study_are_stale_and_those_of_this_one_faults(tmp_path):
    own_study(tmp_path)

    moved = seen(tmp_path, exclude={"P1_other": "left", "P01": "asked"})
    assert (moved.stale, moved.params.exclude, moved.faults) == (("P1_other",), {"P01": "asked"}, ())
    kept = seen(tmp_path, exclude={"P1_other": "left"}, same_root=True)
    assert (kept.stale, len(kept.faults)) == ((), 1)


def absent_files(root):
    (root / "images/P00_main.png").unlink()
    (root / "masks/P01_main.png").unlink()
    (root / "masks/P02_main.png").unlink()


def broken_link(root):
    (root / "images/extra.png").symlink_to(root / "nowhere.png")


def two_forms(root):
    source = own_study(root / "v", patients=1, volumes=True)
    (source / "images/P00_main.nii.gz").rename(root / "images/v.nii.gz")
    write_rows(root / "more.csv")
    text = (root / "manifest.csv").read_text().replace("images/P00_main.png", "images/v.nii.gz")
    (root / "manifest.csv").write_text(text)


def words_for_labels(root):
    text = (root / "manifest.csv").read_text().replace(",1,", ",malignant,")
    (root / "manifest.csv").write_text(text)


def no_picture(root):
    (root / "images/P00_main.png").write_text("text")


FAULTS = {
    absent_files: (
        r"^1 image of 48 absent \(P00_main\.png\); add or correct",
        r"^2 masks of 48 absent \(first P01_main\.png, P02",
    ),
    broken_link: (r": 1 symbolic link whose target does not exist \(extra\.png\); remove or correct",),
    two_forms: (r"^v\.nii\.gz has several slices and P01_main\.png has one; a study is 2-D or 3-D",),
    words_for_labels: (
        r"'malignant' \(24 rows\); .* or set label_positive in params/cohort\.yaml .*\[label_not_binary\]$",
    ),
    no_picture: (r"P00_main\.png: not readable as an image; export it again",),
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda spoil: spoil.__name__)
def test_a_fault_is_one_sentence_however_many_cases_it_has(tmp_path, spoil):
    spoil(own_study(tmp_path))

    faults = seen(tmp_path).faults

    for pattern in FAULTS[spoil]:
        assert [fault for fault in faults if re.search(pattern, fault)], faults
    assert not any("\n" in fault for fault in faults)


def test_too_few_patients_is_what_the_audit_says(tmp_path):
    (fault,) = seen(own_study(tmp_path, patients=4)).faults

    assert "needs at least 10 of each for its folds" in fault


def test_a_manifest_without_outcome_is_refused(tmp_path):
    own_study(tmp_path, head=tuple(name for name in HEAD if name != "label"))

    with pytest.raises(CohortError, match="there is no column label, and no other column has two values; add it"):
        seen(tmp_path)


def test_a_source_without_images_says_what_the_folder_holds(tmp_path):
    for name in ("images/pictures", "images/outlines", "xml"):
        (tmp_path / name).mkdir(parents=True)

    with pytest.raises(
        CohortError, match=r"no image was found in it; images holds outlines, pictures; xml holds nothing: put"
    ):
        seen(tmp_path)


def test_a_folder_within_that_is_not_readable_is_one_sentence(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    own_study(tmp_path)
    monkeypatch.setattr("os.scandir", refuse)

    # Python 3.13 lists folders by scandir for the importers too, which have a sentence of their own.
    words = r"\(Permission denied\); (correct it|give this user the right to read the folder)$"
    with pytest.raises(CohortError, match=words):
        seen(tmp_path)


def test_a_section_that_the_params_lack_is_named(tmp_path):
    for name in ("benign", "malignant"):
        (tmp_path / name).mkdir()

    with pytest.raises(CohortError, match="has no section 'busi', and"):
        seen(tmp_path, busi=None)


def test_a_folder_is_made_absolute_and_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("project", "home_study", "project/own"):
        (tmp_path / name).mkdir()
    project = tmp_path / "project"

    assert study_folder(Path("~/home_study"), project=project) == tmp_path / "home_study"
    assert study_folder(Path("own"), project=project) == project / "own"
    assert study_folder(Path("../home_study"), project=project) == (tmp_path / "home_study").resolve()


def test_folders_that_cannot_be_a_study(tmp_path):
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (tmp_path / "a$b").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    refused = {
        "gone": "there is no such folder; give the folder that holds the study",
        "file": "is a file; give the folder",
        "link": "is a symbolic link whose target .*gone does not exist",
        "a$b": r"the name has the character '\$'",
        ".": "holds the project's own data/",
        "project/data": "holds the project's own data/",
    }

    for name, sentence in refused.items():
        with pytest.raises(CohortError, match=sentence):
            study_folder(tmp_path / name, project=project)


def test_a_folder_without_permission_is_one_sentence(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)

    with pytest.raises(CohortError, match=r"is not readable \(Permission denied\); change its permissions"):
        study_folder(tmp_path, project=tmp_path.parent / "project")
