"""The file of a clustering: what is written is read, and a damaged or misnamed file is one sentence."""

import pytest

from pipeline.contracts.data.habitat import Clustering, read_clusterings, write_clustering
from pipeline.foundation.errors import TableError

ONE = Clustering(
    resample="final",
    part="a",
    method="gmm",
    k=2,
    features=("grey", "gradient"),
    means=(0.1, 1 / 3),
    sds=(1.0, 2.0),
    centres=((-1.0, 0.0), (1.0, 0.5)),
    covariances=(((1.0, 0.0), (0.0, 1.0)),) * 2,
    weights=(0.25, 0.75),
    score="silhouette",
    scores={"2": 0.5, "3": 0.25},
    n_voxels=10,
    n_patients=2,
    trained_ids_sha256="ab",
)


def test_a_clustering_is_read_as_it_was_written(tmp_path):
    write_clustering(ONE, tmp_path)

    assert read_clusterings(tmp_path) == {("final", "a"): ONE}


def test_a_damaged_or_misnamed_file_is_refused(tmp_path):
    write_clustering(ONE, tmp_path)
    (tmp_path / "final_a.json").rename(tmp_path / "final_b.json")
    with pytest.raises(TableError, match="holds 2 clusters of final_a, against its name; run habitat again"):
        read_clusterings(tmp_path)
    (tmp_path / "final_b.json").write_text('{"k": 2')
    with pytest.raises(TableError, match="not readable as a clustering"):
        read_clusterings(tmp_path)
