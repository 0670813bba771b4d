import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cohort.importers.paths import image_files, image_ids, image_stem, inside
from pipeline.foundation.errors import CohortError

ROOT = Path("root")
NAMES = st.sampled_from(["a", "A", "a b", "a-b", ".a", "图", "b_a", "x.1"])
PATHS = st.builds(
    lambda f, n, s: ROOT / f / (n + s), st.sampled_from(["", "b", "c/b"]), NAMES, st.sampled_from([".png", ".jpg"])
)


@given(st.lists(PATHS, unique=True))
def test_ids_are_unique_plain_and_independent_of_the_order(paths):
    ids = image_ids(paths, root=ROOT)

    assert len({one.casefold() for one in ids}) == len(paths)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", one) for one in ids)
    assert dict(zip(paths[::-1], image_ids(paths[::-1], root=ROOT), strict=True)) == dict(zip(paths, ids, strict=True))


@pytest.mark.parametrize("kind", ["gland", "reader2"])
def test_no_image_is_stored_under_the_name_of_another_s_mask(kind):
    assert image_ids([ROOT / "P1.png", ROOT / f"P1_{kind}.png"], root=ROOT) == ["P1", f"P1-{kind}"]


def test_a_plain_name_stays():
    paths = [ROOT / "P001_long.png", ROOT / "P2.nii.gz", ROOT / "ct/P3.2"]

    assert image_ids(paths, root=ROOT) == ["P001_long", "P2", "P3.2"]


@pytest.mark.parametrize(("name", "stem"), [("a.NII.GZ", "a"), ("a.b.png", "a.b"), ("P1.2", "P1.2"), ("b.dcm", "b")])
def test_only_an_image_suffix_is_cut(name, stem):
    assert image_stem(Path(name)) == stem


def test_only_image_files_are_listed_and_hidden_ones_are_not(tmp_path):
    for name in ("b.png", "a.nii.gz", ".c.png", "Thumbs.db", "._b.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "d.png").mkdir()

    assert [path.name for path in image_files(tmp_path)] == ["a.nii.gz", "b.png"]


def test_a_path_through_a_linked_root_is_inside(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert inside("sub/../a.png", folder=tmp_path / "link") == tmp_path / "link" / "sub/../a.png"
    with pytest.raises(CohortError, match="is outside the folder link"):
        inside("sub/../../a.png", folder=tmp_path / "link")
