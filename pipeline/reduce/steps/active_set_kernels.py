"""Compiled steps of the binomial LASSO's active set; `active_set` says what they do together.

They are one file, since numba's cache does not notice a change of a function in another one. Slices are assigned in
loops, since numba's check of their shapes takes seconds to compile.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.reduce.steps.active_set_state import Floats, State

# Largest gradient of the active features, as a fraction of lambda: at which other features are looked at; at the
# minimum, after a last step below LAST_STEP; at the minimum whatever the last step; if no step improves.
LOOSE, TIGHT, ROUNDED, FLAT = 3e-3, 1e-9, 1e-12, 1e-6
LAST_STEP = 1e-9  # fraction of the largest coefficient, or of 1
ROUNDING = 1e-15  # of a gradient, whose terms are near 1
SLACK = 1e-9  # fraction of lambda by which the gradient of a zero coefficient may exceed lambda (rounding)
RIDGE = 1e-10  # fraction of the Hessian's mean diagonal added to it, since copies of a feature make it singular
LEAST_CURVATURE = 1e-12  # of a row's loss in the Hessian, which would be 0 where a probability is 0 or 1
SHORTEST = 1e-6  # fraction of a step
MOST = 0.5  # fraction of the features beyond which all gradients are computed, as a new reference
TILE = 64  # rows of the Hessian computed at once, left of its diagonal only


@njit(cache=True)
def minimise(s: State, penalty: float, rate: float, max_steps: int) -> bool:
    """Go to the minimum at lambda `penalty`; whether it is reached in `max_steps`. After a step that leaves more than
    `rate` of the gradient, the Hessian is computed again.
    """
    largest, before = np.inf, np.inf
    looked, stuck, fresh = False, False, False
    for _ in range(max_steps):
        slope = _slope(s, penalty)
        largest = _largest(slope)
        if not fresh and largest > rate * before:
            _renew(s)
            slope, fresh = _slope(s, penalty), True
        # 0 but for rounding, or small after a step that hardly moved.
        moved = s.last_step[0] > LAST_STEP * max(1.0, _largest(s.values[: s.used[0]]))
        done = largest <= ROUNDED * penalty + ROUNDING or (largest <= TIGHT * penalty and not moved)
        done = done or (stuck and largest <= FLAT * penalty)
        if done or (largest <= LOOSE * penalty and not looked):
            if _admit(s, penalty, 2 * largest):
                before, looked, stuck = np.inf, False, False
                continue
            if done:
                return True
            slope, looked = _slope(s, penalty), True  # slots may have been given up
        if stuck:
            break
        stepped = _step(s, _direction(s, slope), penalty)
        stuck = fresh and not stepped
        if stepped:
            fresh = False
        elif not fresh:
            _renew(s)
            fresh = True
        before = largest if stepped and s.factored[0] > 0 else np.inf
    return largest <= FLAT * penalty and not _admit(s, penalty, 2 * largest)


@njit(cache=True)
def _largest(numbers: Floats) -> float:
    """The largest size of `numbers`."""
    found = 0.0
    for number in numbers:
        found = max(found, abs(number))
    return found


@njit(cache=True)
def _copy(source: Floats, target: Floats) -> None:
    """The numbers of `source` into `target`, of the same size."""
    for k in range(source.size):
        target[k] = source[k]


@njit(cache=True)
def _active(s: State) -> NDArray[np.int64]:
    """The active slots."""
    found, size = np.empty(s.used[0], np.int64), 0
    for k in range(s.used[0]):
        if s.signs[k] != 0:
            found[size] = k
            size += 1
    return found[:size]


@njit(cache=True)
def _fit(s: State, values: Floats) -> tuple[Floats, float]:
    """The residuals (n,) and the deviance of the coefficients `values` by slot."""
    log_odds = np.dot(values, s.rows[: values.size])
    total = 0.0
    for i in range(log_odds.size):
        small = math.exp(-abs(log_odds[i]))
        wrong = log_odds[i] if s.y[i] == 0 else -log_odds[i]
        total += max(wrong, 0.0) + math.log1p(small)
        log_odds[i] = ((1.0 if log_odds[i] > 0 else small) / (1 + small) - s.y[i]) / s.y.size
    return log_odds, 2 * total / log_odds.size


@njit(cache=True)
def _slope(s: State, penalty: float) -> Floats:
    """The gradient of the objective by slot; 0 if the slot is not active."""
    count = s.used[0]
    slope = np.dot(s.rows[:count], s.residual)
    for k in range(1, count):
        slope[k] = slope[k] + penalty * s.signs[k] if s.signs[k] != 0 else 0.0
    return slope


@njit(cache=True)
def _renew(s: State) -> None:
    """The Hessian at the current values; slots that are no longer active are given up."""
    count = 0
    for k in _active(s):
        if count < k:
            _copy(s.rows[k], s.rows[count])
            s.columns[count], s.values[count], s.signs[count] = s.columns[k], s.values[k], s.signs[k]
        count += 1
    s.used[0], s.factored[0] = count, 0
    for i in range(s.y.size):
        fitted = s.residual[i] * s.y.size + s.y[i]
        s.curvature[i] = max(fitted * (1 - fitted), LEAST_CURVATURE) / s.y.size
    _fill_hessian(s, 0, count)


@njit(cache=True)
def _fill_hessian(s: State, first: int, last: int) -> None:
    """The rows of the Hessian of the slots from `first` up to `last`, and the same columns."""
    for begin in range(first, last, TILE):
        end = min(begin + TILE, last)
        scaled = np.empty((end - begin, s.y.size))
        for k in range(begin, end):
            for i in range(s.y.size):
                scaled[k - begin, i] = s.rows[k, i] * s.curvature[i]
        part = np.dot(scaled, s.rows[:end].T)
        for k in range(begin, end):
            for j in range(k + 1):
                s.hessian[k, j] = s.hessian[j, k] = part[k - begin, j]


@njit(cache=True)
def _factorise(s: State, active: NDArray[np.int64]) -> None:
    """The lower Cholesky factor of the part of the Hessian of the slots `active`."""
    part, total = np.zeros((active.size, active.size)), 0.0
    for k in range(active.size):
        for j in range(k + 1):
            part[k, j] = s.hessian[active[k], active[j]]
        total += part[k, k]
    for k in range(active.size):
        part[k, k] += RIDGE * total / active.size
    factor = np.linalg.cholesky(part)
    for k in range(active.size):
        _copy(factor[k], s.factor[k * active.size : (k + 1) * active.size])
    s.factored[0] = active.size


@njit(cache=True)
def _direction(s: State, slope: Floats) -> Floats:
    """The Newton direction by slot; a feature at 0 that would take the wrong sign is no longer active."""
    while True:
        active = _active(s)
        size = active.size
        if s.factored[0] == 0:
            _factorise(s, active)
        x = np.empty(size)
        for k in range(size):
            row = s.factor[k * size : k * size + k]
            x[k] = -(slope[active[k]] + np.dot(row, x[:k])) / s.factor[k * size + k]
        direction = np.zeros(slope.size)
        for k in range(size - 1, -1, -1):
            x[k] /= s.factor[k * size + k]
            direction[active[k]] = x[k]
            for j in range(k):
                x[j] -= x[k] * s.factor[k * size + j]
        for k in range(1, slope.size):
            if s.values[k] == 0 and direction[k] * s.signs[k] < 0:
                s.signs[k], s.factored[0] = 0.0, 0
        if s.factored[0] > 0:
            return direction


@njit(cache=True)
def _step(s: State, direction: Floats, penalty: float) -> bool:
    """Take a step along `direction` that does not raise the objective; whether there was one. A coefficient that would
    change its sign stops at 0 and is no longer active: first all of them at the full step, then the first alone at the
    length where it reaches 0.
    """
    objective = _objective(s.deviance[0], s.values[: s.used[0]], penalty) + 1e-13
    trial = np.empty(direction.size)
    length, crossing = 1.0, -1
    for k in range(trial.size):
        trial[k] = s.values[k] + direction[k]
        if trial[k] * s.signs[k] < 0 and k > 0:
            trial[k] = 0.0
            if -s.values[k] / direction[k] < length:
                length, crossing = -s.values[k] / direction[k], k
    accepted = _accept(s, trial, objective, penalty)
    # After the full step: up to the first crossing, then half of the way, a quarter, and so on.
    if crossing < 0:
        length /= 2
    while not accepted and (length > SHORTEST or crossing >= 0):
        for k in range(trial.size):
            trial[k] = 0.0 if k == crossing else s.values[k] + length * direction[k]
        accepted = _accept(s, trial, objective, penalty)
        length, crossing = length / 2, -1
    return accepted


@njit(cache=True)
def _objective(deviance: float, values: Floats, penalty: float) -> float:
    total = 0.0
    for k in range(1, values.size):
        total += abs(values[k])
    return deviance / 2 + penalty * total


@njit(cache=True)
def _accept(s: State, values: Floats, objective: float, penalty: float) -> bool:
    """Go to `values` if the objective is not higher there than `objective`."""
    residual, deviance = _fit(s, values)
    if not _objective(deviance, values, penalty) <= objective:
        return False
    s.last_step[0], s.deviance[0] = 0.0, deviance
    for k in range(values.size):
        s.last_step[0] = max(s.last_step[0], abs(values[k] - s.values[k]))
        if k > 0 and values[k] == 0 and s.values[k] != 0:
            s.signs[k], s.factored[0] = 0.0, 0
        s.values[k] = values[k]
    _copy(residual, s.residual)
    return True


@njit(cache=True)
def _near(s: State, limit: float) -> NDArray[np.int64]:
    """The features that are not active and whose gradient may exceed `limit`. A feature has length sqrt(n), so that its
    gradient moves by no more than sqrt(n) times the residuals.
    """
    moved = 0.0
    for i in range(s.y.size):
        moved += (s.residual[i] - s.seen_at[i]) ** 2
    inactive = np.ones(s.seen.size, np.bool_)
    for k in range(1, s.used[0]):  # a feature has one slot
        inactive[s.columns[k]] = s.signs[k] == 0
    near, size = np.empty(s.seen.size, np.int64), 0
    for j in range(s.seen.size):
        if inactive[j] and abs(s.seen[j]) + math.sqrt(moved * s.y.size) > limit:
            near[size] = j
            size += 1
    return near[:size]


@njit(cache=True)
def _admit(s: State, penalty: float, margin: float) -> bool:
    """Make the features active whose gradient exceeds `penalty` by more than `margin`; whether there is one. Copies of
    an active feature have its gradient, which is within the margin; of new copies the first enters.
    """
    limit = penalty * (1 + SLACK) + margin
    near = _near(s, limit)
    if near.size > MOST * s.seen.size:
        _copy(np.dot(s.features, s.residual), s.seen)
        _copy(s.residual, s.seen_at)
        near = _near(s, limit)
    if s.used[0] + near.size > s.values.size:
        _renew(s)
    first, found, refused = s.used[0], 0, False
    sizes = np.empty(near.size)
    for j in near:
        slope = np.dot(s.features[j], s.residual)
        known = abs(slope) <= limit
        for other in sizes[:found]:
            known = known or abs(other - abs(slope)) <= SLACK * penalty
        if not known and _activate(s, j, -np.sign(slope)):
            sizes[found] = abs(slope)
            found += 1
        elif not known:
            refused = True
    _fill_hessian(s, first, s.used[0])
    return found > 0 or refused


@njit(cache=True)
def _activate(s: State, feature: int, sign: float) -> bool:
    """Make a feature active, in its slot or a new one; False if all slots are in use."""
    count = s.used[0]
    for k in range(1, count):
        if s.columns[k] == feature:
            s.signs[k], s.factored[0] = sign, 0
            return True
    if count == s.values.size:
        return False
    _copy(s.features[feature], s.rows[count])
    s.columns[count], s.values[count], s.signs[count] = feature, 0.0, sign
    s.used[0], s.factored[0] = count + 1, 0
    return True
