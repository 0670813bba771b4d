"""The active set: the minimum by another solver, hard tables, what an error says."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps import active_set
from pipeline.reduce.steps.active_set import ActiveSet


def table(n=60, p=12, seed=0):
    generator = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(np.float64)
    Z = generator.normal(size=(n, p))
    Z[:, 2] += y
    return scaled(Z), y


def scaled(Z):
    return np.asfortranarray((Z - Z.mean(axis=0)) / Z.std(axis=0))


def excess(Z, y, weights, penalty):
    """How far the conditions of the minimum are from true, as a fraction of lambda."""
    residual = expit(Z @ weights[:-1] + weights[-1]) - y
    slope, used = Z.T @ residual / len(y), weights[:-1] != 0
    wrong = np.where(used, np.abs(slope + penalty * np.sign(weights[:-1])), np.abs(slope) - penalty)
    return max(wrong.max(), abs(residual.mean())) / penalty


def test_minimum_is_that_of_another_solver():
    Z, y = table()
    found = ActiveSet(Z, y)
    found.minimise(0.05)

    def objective(halves):  # b = positive - negative, both 0 or above: smooth, for a general solver
        log_odds = Z @ (halves[:12] - halves[12:24]) + halves[24]
        slope = Z.T @ (expit(log_odds) - y) / 60
        value = np.logaddexp(0, (1 - 2 * y) * log_odds).mean() + 0.05 * halves[:24].sum()
        return value, np.concatenate([slope + 0.05, 0.05 - slope, [(expit(log_odds) - y).mean()]])

    bounds = [(0, None)] * 24 + [(None, None)]
    other = minimize(objective, np.zeros(25), jac=True, bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-10}).x
    assert found.weights == pytest.approx(np.append(other[:12] - other[12:24], other[24]), abs=1e-6)
    log_odds = Z @ found.weights[:-1] + found.weights[-1]
    assert found.deviance == pytest.approx(2 * np.logaddexp(0, (1 - 2 * y) * log_odds).mean(), rel=1e-12)


def test_the_way_to_a_lambda_does_not_matter():
    Z, y = table(p=80)
    direct, gradual = ActiveSet(Z, y), ActiveSet(Z, y)
    direct.minimise(0.02)
    for penalty in np.geomspace(0.2, 0.005, 15):  # beyond it, and back: features enter, leave and enter again
        gradual.minimise(penalty)
    gradual.minimise(0.02)

    assert np.count_nonzero(direct.weights) > 10
    assert np.allclose(direct.weights, gradual.weights, rtol=0, atol=1e-8)


@pytest.mark.parametrize("penalty", [0.05, 0.002])
@pytest.mark.parametrize("kind", ["wide", "correlated", "binary", "outliers", "separable", "copies"])
def test_hard_tables_reach_the_minimum(kind, penalty):
    generator = np.random.default_rng(3)
    Z, y = table(p=150)
    factor = generator.normal(size=(60, 1))
    Z = {
        "wide": Z,
        "correlated": scaled(factor + 0.01 * Z[:, :40]),
        "binary": scaled((Z[:, :40] > 1) * 1.0),
        "outliers": scaled(generator.standard_cauchy(size=(60, 40))),
        "separable": scaled(np.column_stack([y + 0.01 * factor[:, 0], Z[:, :9]])),
        "copies": np.asfortranarray(np.hstack([Z[:, :30], -Z[:, :30], Z[:, :30]])),
    }[kind]
    found = ActiveSet(Z, y)
    found.minimise(penalty)

    assert excess(Z, y, found.weights, penalty) < 1e-7


def test_the_first_of_copies_is_used():
    Z, y = table()
    found = ActiveSet(np.asfortranarray(np.hstack([Z, Z, -Z])), y)
    found.minimise(0.02)

    assert np.count_nonzero(found.weights[:12]) > 5
    assert not found.weights[12:-1].any()


def test_the_kept_hessian_does_not_move_the_minimum(monkeypatch):
    Z, y = table(p=80)
    found = []
    for rate in (0.0, 0.25, 0.8):  # a new one at every step, as shipped, hardly ever a new one
        monkeypatch.setattr(active_set, "RATE", rate)
        found.append(ActiveSet(Z, y))
        found[-1].minimise(0.005)

    assert np.allclose(found[0].weights, found[1].weights, rtol=0, atol=1e-8)
    assert np.allclose(found[0].weights, found[2].weights, rtol=0, atol=1e-7)


def test_slots_given_up_for_lack_of_room_do_no_harm():
    """With this noise, slots are given up by an admission that admits none."""
    Z, y = scaled(np.random.default_rng(16).normal(size=(50, 1000))), (np.arange(50) % 3 == 0).astype(np.float64)
    found, largest = ActiveSet(Z, y), np.abs(Z.T @ (y - y.mean())).max() / 50
    for penalty in np.geomspace(largest, 0.3 * largest, 12):
        found.minimise(penalty)
        assert excess(Z, y, found.weights, penalty) < 1e-7


def test_no_convergence_is_an_error(monkeypatch):
    monkeypatch.setattr(active_set, "MAX_STEPS", 2)
    Z, y = table()

    with pytest.raises(PipelineError, match=r"did not converge at lambda 0\.01 on 60 rows and 12 features"):
        ActiveSet(Z, y).minimise(0.01)
