import zipfile

import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.predict.bundle_files import SUMS, read_bundle, write_bundle


def unpacked(folder):
    write_bundle(FILES, folder / "packed.zip")
    with zipfile.ZipFile(folder / "packed.zip") as source:
        source.extractall(folder / "b")
    return folder / "b"


FILES = {"bundle.json": b"{}", "models/all.skops": b"\x00\x01", "card.md": "größer".encode()}


def test_what_is_written_is_read_and_has_the_same_hash_packed_or_not(tmp_path):
    written = write_bundle(FILES, tmp_path / "b.zip")

    assert read_bundle(tmp_path / "b.zip") == (FILES, written)
    assert read_bundle(unpacked(tmp_path)) == (FILES, written)


def test_the_same_files_give_the_same_bytes_in_any_order(tmp_path):
    write_bundle(FILES, tmp_path / "a.zip")
    write_bundle(dict(reversed(FILES.items())), tmp_path / "b.zip")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "card.md").write_bytes(b"other"), "card.md was changed"),
        (lambda folder: (folder / "card.md").unlink(), "card.md is missing"),
        (lambda folder: (folder / "more.py").write_bytes(b"x"), "more.py is not listed"),
        (lambda folder: (folder / SUMS).unlink(), "is a folder without SHA256SUMS"),
        (lambda folder: (folder / SUMS).write_bytes(b"x"), "SHA256SUMS is damaged"),
    ],
)
def test_an_altered_bundle_is_refused_by_the_name_of_the_file(change, sentence, tmp_path):
    change(unpacked(tmp_path))

    with pytest.raises(PipelineError, match=sentence):
        read_bundle(tmp_path / "b")


def test_an_altered_zip_file_is_refused(tmp_path):
    write_bundle(FILES, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as target:
        target.writestr("../evil.txt", b"x")

    with pytest.raises(PipelineError, match=r"\.\./evil\.txt is not listed"):
        read_bundle(tmp_path / "b.zip")
    assert not (tmp_path.parent / "evil.txt").exists()


@pytest.mark.parametrize("place", [40, -30])
def test_a_flipped_byte_is_found(place, tmp_path):
    write_bundle(FILES | {"weights": bytes(range(256)) * 40}, tmp_path / "b.zip")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "b.zip").write_bytes(content)

    with pytest.raises(PipelineError, match=r"b\.zip"):
        read_bundle(tmp_path / "b.zip")


def test_no_bundle_a_text_and_a_link_out_of_it_are_one_sentence_each(tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    unpacked(tmp_path)
    (tmp_path / "b" / "card.md").unlink()
    (tmp_path / "b" / "card.md").symlink_to(tmp_path / "text.zip")

    for name, sentence in {"none.zip": "no such bundle", "text.zip": "not readable", "b": "card.md is a link"}.items():
        with pytest.raises(PipelineError, match=sentence):
            read_bundle(tmp_path / name)
