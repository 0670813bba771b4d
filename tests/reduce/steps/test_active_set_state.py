"""The state at the start: the model of the intercept alone, room for the features."""

import numpy as np
import pytest

from pipeline.reduce.steps.active_set_state import SPARE, at_the_intercept


def test_the_start_is_the_intercept_alone():
    Z, y = np.random.default_rng(1).normal(size=(20, 6)), np.arange(20) % 4 == 0
    state = at_the_intercept(Z, y.astype(np.float64))

    assert (state.used[0], state.values[0]) == (1, pytest.approx(np.log(1 / 3)))
    assert not state.signs[1:].any()
    assert state.deviance[0] == pytest.approx(-2 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert state.residual.sum() == pytest.approx(0)
    assert state.seen == pytest.approx(Z.T @ (0.25 - y) / 20)
    assert state.hessian[0, 0] == pytest.approx(20 * state.curvature[0]) == 0.25 * 0.75


@pytest.mark.parametrize(("rows", "features", "slots"), [(20, 6, 7), (20, 500, 1 + 40 + SPARE)])
def test_memory_grows_with_the_features_that_can_be_active(rows, features, slots):
    state = at_the_intercept(np.zeros((rows, features)), np.arange(rows) % 2.0)

    assert state.hessian.shape == (slots, slots)
