import pytest

from pipeline.foundation.errors import CohortError
from pipeline.foundation.source_root import broken_links, check_root, similar_path


def test_the_similar_path_begins_at_the_first_folder_that_differs(tmp_path):
    (tmp_path / "Masks" / "P1").mkdir(parents=True)
    (tmp_path / "Masks" / "P1" / "a_mask.png").write_bytes(b"")

    assert similar_path(tmp_path / "masks" / "p1" / "A_mask.png") == "Masks/P1/a_mask.png"
    assert similar_path(tmp_path / "Masks" / "P1" / "a_masks.png") == "a_mask.png"
    assert similar_path(tmp_path / "Masks" / "P1" / "other.nii") == ""


def test_a_folder_without_a_broken_link_is_no_fault(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "b.png").symlink_to("a.png")

    check_root(tmp_path)
    assert broken_links(tmp_path) is None


def test_every_broken_link_is_counted(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a", "b", "deep/c", "deep/d"):
        (tmp_path / name).symlink_to("gone")

    with pytest.raises(CohortError, match=r"4 symbolic links whose target does not exist \(first a, b, c\); remove"):
        check_root(tmp_path)


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("stduy", "did you mean 'study'"),
        ("~/study", "~ is not replaced by a path"),
        ("study/file", "is a file and no folder"),
    ],
)
def test_no_folder(tmp_path, root, why):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "file").touch()

    with pytest.raises(CohortError, match=why):
        check_root(tmp_path / root)
