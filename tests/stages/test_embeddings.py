"""The export of embeddings: the rows of one resample or of all as the one CSV they once were; clear refusals."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.contracts.data.embed import EMBEDDINGS, write_embeddings
from pipeline.foundation.tables import write_table


@pytest.fixture
def whole(tmp_path):
    """A network's embeddings in one table; `net.csv` and its folder hold the same."""
    keys = [("cv-1", "a"), ("cv-1", "b"), ("cv-2", "a"), ("cv-2", "b"), ("final", "a"), ("final", "b")]
    rows = [(resample, part, image) for resample, part in keys for image in ("01", "02")]
    values = np.random.default_rng(1).normal(size=(len(rows), 3)).astype(np.float32)
    table = pd.DataFrame(rows, columns=list(EMBEDDINGS.key))
    table = pd.concat([table, pd.DataFrame(values, columns=["net_0000", "net_0001", "net_0002"])], axis=1)
    write_table(table[table["resample"] == "final"], tmp_path / "net.csv", EMBEDDINGS)
    for key in keys[:4]:
        write_embeddings(table.set_index(["resample", "part"]).loc[[key]].reset_index(), tmp_path / "net")
    return table


def export(folder, *words):
    command = [sys.executable, "-m", "stages.embeddings", "--features", folder, "--out", folder / "out.csv", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (("--resample", "all"), lambda table: table),
        (("--resample", "cv-2"), lambda table: table[table["resample"] == "cv-2"]),
        (("--resample", "cv-1", "--part", "b"), lambda table: table.iloc[2:4]),
        (("--resample", "final"), lambda table: table[table["resample"] == "final"]),
    ],
)
def test_the_rows_are_written_as_in_one_csv(words, chosen, whole, tmp_path):
    done = export(tmp_path, "--net", "net", *words)
    write_table(chosen(whole), tmp_path / "expected.csv", EMBEDDINGS)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--net", "other", "--resample", "all"), "has no such network; the networks are: net"),
        (("--net", "net", "--resample", "r9"), "--resample r9: there are no such rows; .* are: cv-1 a, cv-1 b, "),
        (("--net", "net", "--resample", "cv-1", "--part", "c"), "--resample cv-1 --part c: there are no such rows"),
    ],
)
@pytest.mark.usefixtures("whole")
def test_what_does_not_exist_is_refused_in_one_sentence(words, message, tmp_path):
    done = export(tmp_path, *words)

    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert pd.Series([done.stderr]).str.contains(message).all()
    assert not (tmp_path / "out.csv").exists()
