"""The kernels of the active set: Hessian, direction, admission, each against numpy."""

import numpy as np
import pytest
from scipy.special import expit

from pipeline.reduce.steps import active_set_kernels as kernels
from pipeline.reduce.steps.active_set_state import at_the_intercept


@pytest.fixture
def at_the_start():
    """The state with the intercept alone, and the gradient of every feature there."""
    generator = np.random.default_rng(5)
    Z, y = generator.normal(size=(50, 100)), np.arange(50) % 2.0
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    return at_the_intercept(Z, y), Z.T @ (0.5 - y) / 50


def test_violators_alone_enter_with_their_sign(at_the_start):
    state, gradient = at_the_start
    limit = np.sort(np.abs(gradient))[-8]
    found = kernels._admit(state, limit - 0.01, 0.01 - 1e-6)

    assert found
    assert state.columns[1:9].tolist() == np.flatnonzero(np.abs(gradient) >= limit).tolist()
    assert state.signs[1:9].tolist() == (-np.sign(gradient[state.columns[1:9]])).tolist()
    assert not kernels._admit(state, limit - 0.01, 0.01 - 1e-6)


def test_hessian_of_new_slots_is_that_of_all(at_the_start):
    state, _ = at_the_start
    for limit in (0.2, 0.1, 0.01):  # more than one tile of it, in steps
        kernels._admit(state, limit, 0.0)
    used = state.used[0]
    rows = state.rows[:used]

    assert used > kernels.TILE
    assert np.allclose(state.hessian[:used, :used], rows @ rows.T / 4 / 50, rtol=0, atol=1e-12)


def test_direction_is_that_of_newton(at_the_start):
    state, gradient = at_the_start
    kernels._admit(state, 0.1, 0.0)
    used = int(state.used[0])
    slope = kernels._slope(state, 0.1)
    assert used > 2
    assert slope[1:] == pytest.approx(gradient[state.columns[1:used]] + 0.1 * state.signs[1:used])

    direction = kernels._direction(state, slope)
    kept = np.flatnonzero(state.signs[:used])
    expected = -np.linalg.solve(state.hessian[np.ix_(kept, kept)], slope[kept])
    assert direction[kept] == pytest.approx(expected, abs=1e-7)
    assert (direction[kept][1:] * state.signs[kept][1:] >= 0).all()


def test_probabilities_and_deviance_do_not_overflow(at_the_start):
    state, _ = at_the_start
    for log_odds in (0.3, -800.0, 800.0):
        residual, deviance = kernels._fit(state, np.array([log_odds]))
        assert residual * 50 + state.y == pytest.approx(expit(log_odds))
        assert deviance == pytest.approx(2 * np.logaddexp(0, (1 - 2 * state.y) * log_odds).mean())


def test_a_full_table_of_slots_admits_no_more(at_the_start):
    state, _ = at_the_start
    small = state._replace(
        values=state.values[:4].copy(), rows=state.rows[:4].copy(), hessian=state.hessian[:4, :4].copy()
    )

    for _ in range(2):  # the second time none of them enters, and the minimum is not taken for reached
        assert kernels._admit(small, 0.01, 0.0)
        assert small.used[0] == 4


def test_a_coefficient_next_to_zero_is_dropped_however_short_the_step(at_the_start):
    state, gradient = at_the_start
    first = int(np.abs(gradient).argmax())
    kernels._activate(state, first, np.sign(gradient[first]))  # the wrong sign: it must leave
    state.values[1] = 1e-12 * state.signs[1]
    direction = np.array([1e3, -state.signs[1]])  # too far, except up to where the feature leaves

    assert kernels._step(state, direction, 0.1)
    assert (state.values[1], state.signs[1]) == (0, 0)
