import contextlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cohort.importers.paths import (
    MAX_ID,
    holding,
    image_files,
    image_ids,
    image_stem,
    inside,
    plain_name,
    source_folder,
    subfolder,
)
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


@pytest.mark.parametrize("text", ["a\0b.png", "a\nb.png", "x" * 300, "x" * 90 + "/../" + "ü" * 140])
def test_a_text_that_can_be_no_path_is_one_sentence(tmp_path, text):
    with pytest.raises(CohortError, match=r"^the path '.{1,100}' has a control character, or a name of more than 255"):
        inside(text, folder=tmp_path)


def test_an_absolute_path_through_a_link_to_the_root_of_the_disk_is_inside(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "all").symlink_to("/")
    path = inside(f"{tmp_path}/all{home}/sub/a.png", folder=home)

    assert path == home / "sub/a.png"
    assert image_ids([path], root=home) == ["a"]
    with pytest.raises(CohortError, match="is outside the folder home"):
        inside(f"{tmp_path}/all/etc/passwd", folder=home)


def test_a_circle_of_links_is_one_sentence(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with contextlib.suppress(CohortError):  # from Python 3.13 on, it is refused only when it is read
        assert inside("a/x.png", folder=tmp_path) == tmp_path / "a/x.png"


def test_a_long_name_gives_an_id_that_leaves_room_for_endings():
    long = [f"{'x' * 243}{ending}.png" for ending in "ab"]
    ids = image_ids([ROOT / name for name in long], root=ROOT)

    assert len(set(ids)) == 2
    assert [len(one) for one in ids] == [MAX_ID, MAX_ID]
    assert plain_name("x" * MAX_ID) == "x" * MAX_ID


def test_a_name_that_is_no_text_is_one_sentence(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"")

    with pytest.raises(CohortError, match="is no UTF-8 text; rename it"):
        image_files(tmp_path)


def test_a_folder_that_must_not_be_read_is_one_sentence(tmp_path, monkeypatch):
    def barred(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", barred)  # root may read everything
    for read in (image_files, source_folder):
        with pytest.raises(CohortError, match=r"its files cannot be listed \(Permission denied\); give this"):
            read(tmp_path)


def test_a_source_one_folder_deeper_is_named(tmp_path):
    (tmp_path / "Data" / "images").mkdir(parents=True)

    with pytest.raises(CohortError, match="the source is in the folder Data; set root in"):
        source_folder(tmp_path, holds=("images",))
    assert subfolder(tmp_path / "Data", names=("images",)).name == "images"
    assert holding(tmp_path) == "holds the folder Data, and no image"
    assert holding(tmp_path / "Data" / "images") == "holds no image"
