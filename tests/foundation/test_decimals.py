"""A float32 is what a CSV gives back: against the text itself, over all sizes, and by hand."""

import io

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.decimals import CHUNK, as_in_csv


def through_text(values):
    written = pd.DataFrame({"x": values}).to_csv(index=False)
    return pd.read_csv(io.StringIO(written), keep_default_na=False, na_values=[""])["x"].to_numpy(dtype=np.float64)


def bits(seed, n=20_000):
    """Any float32 but infinite and missing ones: all exponents alike."""
    values = np.random.default_rng(seed).integers(0, 2**32, size=n, dtype=np.uint32).view(np.float32)
    return values[np.isfinite(values)]


def usual(seed):
    return np.random.default_rng(seed).normal(size=CHUNK + 7).astype(np.float32)


def powers(_):
    """Powers of two and ten and their neighbours, where the shortest decimal changes its length."""
    exact = np.concatenate([2.0 ** np.arange(-60, 40), 10.0 ** np.arange(-14, 12)]).astype(np.float32)
    return np.concatenate([exact, np.nextafter(exact, np.float32(0)), np.nextafter(exact, np.float32(np.inf))])


@pytest.mark.parametrize("draw", [bits, usual, powers])
def test_a_number_is_the_one_that_text_gives_back(draw):
    values = draw(1)

    assert np.array_equal(as_in_csv(values), through_text(values))


def test_by_hand():
    values = np.array([[0.1, -0.3, 0.0], [16777216, 1e-20, 0.5]], dtype=np.float32)

    assert as_in_csv(values).tolist() == [[0.1, -0.3, 0.0], [16777216.0, 1e-20, 0.5]]
    assert np.isnan(as_in_csv(np.array([np.nan], dtype=np.float32)))[0]
    assert np.signbit(as_in_csv(np.array([-0.0], dtype=np.float32)))[0]
    assert as_in_csv(np.empty((0, 3), dtype=np.float32)).shape == (0, 3)
