"""reduce.repeats: which repeated masks the filter of a block, resample and part learns from."""

import pandas as pd
import pytest
from repeated_masks import repeated

from pipeline.contracts.data.agreement import REPEATS
from pipeline.contracts.data.cohort import COHORT
from pipeline.foundation.errors import PipelineError, TableError
from pipeline.foundation.tables import write_table
from pipeline.reduce.repeats import read_repeats

FIRST, FOLD = ("final", "all"), ("cv-1-1", "b")


@pytest.fixture
def folder(tmp_path):
    """Radiomics and rings of all images, habitats of one fold; image i00 is that of patient p00."""
    images = sorted(set(repeated()["image_id"]))
    ids = {"image_id": images, "patient_id": [f"p{one[1:]}" for one in images]}
    cohort = pd.DataFrame(ids).assign(view="all", image="i.nrrd").reindex(columns=COHORT.names)
    write_table(cohort, tmp_path / "cohort.csv", COHORT)
    write_table(repeated(), tmp_path / "repeats.csv", REPEATS)
    for name in ("peritumoral_all_all", "habitat_cv-1-1_b"):
        table = repeated(seed=len(name)).iloc[: 30 if "habitat" in name else None]
        write_table(table, tmp_path / "repeats" / f"{name}.csv", REPEATS)
    return tmp_path


def read(folder):
    return read_repeats(folder / "repeats.csv", cohort=folder / "cohort.csv")


def test_a_block_learns_from_its_own_masks_of_the_patients_asked_for(folder):
    repeats = read(folder)
    asked = {"rows": FIRST, "patients": ["p01", "p15"]}

    assert repeats.of("radiomics", **asked).index.to_list() == ["p01"] * 3 + ["p15"] * 3
    assert repeats.of("peritumoral", **asked)["steady"].iloc[0] == repeated(seed=19)["steady"].iloc[3]
    assert repeats.of("habitat", rows=FOLD, patients=["p01", "p15"]).index.to_list() == ["p01"] * 3


def test_habitats_of_rows_that_were_not_measured_give_no_row(folder):
    repeats = read(folder)

    assert len(repeats.of("habitat", rows=FIRST, patients=["p01"])) == 0
    with pytest.raises(PipelineError, match="no masks of block other; run agreement again"):
        repeats.of("other", rows=FIRST, patients=["p01"])
    assert repeats.of(None, rows=FIRST, patients=["p01"]) is None


def test_no_repeated_mask_is_no_filter(folder):
    write_table(REPEATS.empty(), folder / "repeats.csv", REPEATS)
    for path in (folder / "repeats").iterdir():
        path.unlink()
    repeats = read(folder)

    assert not repeats.whole
    assert not repeats.files
    assert repeats.of("radiomics", rows=FIRST, patients=["p01"]) is None


def test_a_stray_file_and_an_unknown_image_are_refused(folder):
    stray = folder / "repeats" / "habitat_final.csv"
    stray.write_text("", encoding="utf-8")
    with pytest.raises(TableError, match=r"habitat_final\.csv: is named for no block"):
        read(folder)
    stray.unlink()

    write_table(repeated(n=21), folder / "repeats.csv", REPEATS)
    with pytest.raises(PipelineError, match="image i20 is not in the cohort; run agreement again"):
        read(folder)
