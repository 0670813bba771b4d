"""ready_made: the light of the declarations."""

import pandas as pd
import pytest

from pipeline.contracts.data.cohort import BLOCK_ORIGINS
from pipeline.selftest.lights import selftest_table
from pipeline.selftest.ready_made import ready_made_check


def light(used=("pet", "genes", "radiomics"), **origins):
    table = pd.DataFrame(sorted(origins.items()), columns=BLOCK_ORIGINS.names)
    return ready_made_check(table, used=used)


@pytest.mark.parametrize(
    ("pet", "genes", "expected", "value"),
    [
        ("nobody", "other_patients", "green", 0),
        ("nobody", "unknown", "amber", 1),
        ("unknown", "unknown", "amber", 2),
        ("unknown", "these_patients", "red", 1),
    ],
)
def test_the_light_is_the_worst_declaration(pet, genes, expected, value):
    found = light(pet=pet, genes=genes)

    assert (found.light, found.value, found.limit) == (expected, value, 0)
    assert "declare" in found.title


def test_unused_tables_do_not_count():
    assert light(pet="nobody", other="these_patients").light == "green"
    assert light(other="these_patients").light == "grey"
    none = ready_made_check(BLOCK_ORIGINS.empty(), used=["radiomics"])
    assert (none.light, none.value) == ("grey", None)
    assert selftest_table([none])["check"].tolist() == ["ready_made_blocks"]
