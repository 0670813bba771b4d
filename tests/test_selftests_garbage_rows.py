"""selftests.garbage_rows: other test rows change nothing; a step that looks at them is found."""

import pandas as pd
import pytest
from sham_study import recipe, tables

from pipeline import selftest
from pipeline.checkpoints import CheckpointStore
from pipeline.reduce import reduce_case
from pipeline.selftests import garbage_rows
from pipeline.selftests.garbage_rows import garbage_check, noise


def test_nothing_changes(tmp_path):
    found = selftest.garbage(tables(signal=2.0), recipe=recipe(), store=CheckpointStore(tmp_path, key="k"))

    assert found.light == "green"
    assert found.value == 0


def test_scaling_on_all_rows_is_red(tmp_path, monkeypatch):
    """The double scales with the test rows in, as published code does."""

    def leaky(case, **given):
        (block,) = case.blocks
        rows = pd.concat([block.train, block.test])
        centre, spread = rows.mean(), rows.std().replace(0, 1)
        scaled = {"train": (block.train - centre) / spread, "test": (block.test - centre) / spread}
        return reduce_case(type(case)(**(vars(case) | {"blocks": (type(block)(**(vars(block) | scaled)),)})), **given)

    monkeypatch.setattr(garbage_rows, "reduce_case", leaky)
    found = selftest.garbage(tables(signal=2.0), recipe=recipe(), store=CheckpointStore(tmp_path, key="k"))

    assert found.light == "red"
    assert "training rows" in found.finding or "selected" in found.finding


def test_noise_replaces_numbers_and_words():
    rows = pd.DataFrame({"x": [1.0, 2.0], "sex": ["F", "M"]}, index=["a", "b"])
    spoilt = noise(1)(rows)

    assert list(spoilt["sex"]) == ["garbage", "garbage"]
    assert not (spoilt["x"] == rows["x"]).any()
    pd.testing.assert_frame_equal(spoilt, noise(1)(rows))


@pytest.mark.parametrize(("spoilt", "light"), [({"a": "1", "b": "2"}, "green"), ({"a": "1", "b": "3"}, "red")])
def test_a_hash_that_differs_is_told(spoilt, light):
    found = garbage_check({"a": "1", "b": "2"}, spoilt={"noise": spoilt})

    assert found.light == light
    assert (": b." in found.finding) == (light == "red")
