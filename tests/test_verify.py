"""reports/verify.R: R and pROC find the same numbers, and a number that was altered stops it."""

import shutil
import subprocess

import pytest
from house import ROOT
from study_folder import write_study

from pipeline import result_contracts
from pipeline.tables import read_table, write_table


def has_proc() -> bool:
    """Whether R is here with the package pROC."""
    if not shutil.which("Rscript"):
        return False
    return subprocess.run(["Rscript", "-e", "library(pROC)"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_proc(), reason="R with pROC is not installed (Debian: apt install r-cran-proc)")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


def verify(predictions, tables):
    command = ["Rscript", str(ROOT / "reports" / "verify.R"), str(predictions), str(tables)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_proc_finds_the_same_numbers(study):
    done = verify(study["predictions"], study["tables"])

    assert done.returncode == 0, done.stderr
    assert "numbers agree" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("table", "column"), [("metrics", "ci_low"), ("folds", "auc"), ("delong", "z"), ("delong", "p_holm")]
)
def test_an_altered_number_stops_it(study, tmp_path, table, column):
    tables = tmp_path / "tables"
    shutil.copytree(study["tables"], tables)
    contract = getattr(result_contracts, table.upper())
    changed = read_table(tables / f"{table}.csv", contract)
    row = (
        changed.index[changed["metric"] == "auc"][-1] if table == "metrics" else changed.index[changed[column] < 0.9][0]
    )
    changed.loc[row, column] += 2e-6
    write_table(changed, tables / f"{table}.csv", contract)
    done = verify(study["predictions"], tables)

    assert done.returncode == 1
    assert "the table says" in done.stderr


def test_a_table_that_is_not_there_is_one_sentence(study, tmp_path):
    done = verify(study["predictions"], tmp_path)

    assert done.returncode == 1
    assert "there is no" in done.stderr
    assert "run dvc repro first" in done.stderr
