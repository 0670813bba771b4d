"""near_images: the pairs in the order of the page, and only the thumbnails that it shows."""

import pytest
from study_checks import write_near

from pipeline.foundation.errors import TableError
from pipeline.report.near_images import MAX_SHOWN, read_near_images


def test_the_least_similar_pairs_come_first_with_their_thumbnails(tmp_path):
    write_near(tmp_path, n_pairs=MAX_SHOWN + 2)
    near = read_near_images(tmp_path)

    distances = list(near.pairs["distance"])
    assert distances == sorted(distances, reverse=True)
    assert len(near.thumbnails) == 2 * MAX_SHOWN
    last = near.pairs.iloc[-1]
    assert {last["image_a"], last["image_b"]} & set(near.thumbnails) == set()


def test_a_missing_thumbnail_is_one_sentence(tmp_path):
    write_near(tmp_path)
    (tmp_path / "0001_long.png").unlink()

    with pytest.raises(TableError, match=r"0001_long.png: the thumbnail is not readable; run the stage cohort again"):
        read_near_images(tmp_path)
