"""Maximal correlation coefficient of co-occurrence matrices, without a general eigenvalue problem.

The coefficient is the root of the second largest eigenvalue of Q(i, j) = sum_k p(i,k) p(j,k) / (p_x(i) p_y(k))
(Haralick, IEEE Trans SMC 1973;3:610; not in IBSI). Q is similar to S S', where S(i, k) = p(i,k) / sqrt(p_x(i) p_y(k)):
a symmetric problem, some four times faster. PyRadiomics adds 2e-16 to the denominator, which moves the eigenvalue by
up to 1e-4 if a grey level is rare; inverse iteration on that matrix finds its eigenvalue.
"""

import numpy as np

from pipeline.radiomics.engine.matrix_sums import EPSILON

FEW_LEVELS = 24  # up to here the general problem is as fast
# Inverse iteration needs a second eigenvalue far from the first and third, in units of the shift by EPSILON.
CLEAR_GAP = 1e2
ROUNDING = 1e-12  # eigenvalues, which are at most 1, are not known better than this


def maximal_correlations(p: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The coefficient (n_a,) of each matrix p (n_a, n, n) with marginals `rows` and `columns` (n_a, n).

    1 if there is one grey level. If the levels of neighbours are independent, the second eigenvalue is 0 but for
    rounding: the coefficient is 0, where PyRadiomics gives the root of the rounding error, or drops the direction if
    that error is negative.
    """
    n_angles, n, _ = p.shape
    if n == 1:
        return np.ones(n_angles)
    q = (p / (rows[:, :, None] * columns[:, None] + EPSILON)) @ p.transpose(0, 2, 1)
    second = general_eigenvalues(q) if n <= FEW_LEVELS else second_eigenvalues(p, q, rows=rows, columns=columns)
    return np.sqrt(np.where(second < ROUNDING, 0.0, second))


def general_eigenvalues(q: np.ndarray) -> np.ndarray:
    """The second largest eigenvalue (n_a,) of each matrix (n_a, n, n), as PyRadiomics finds it."""
    return np.sort(np.linalg.eigvals(q).real)[:, -2]


def second_eigenvalues(p: np.ndarray, q: np.ndarray, *, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The second largest eigenvalue (n_a,) of each Q, found from the symmetric S S' (see above)."""
    root_rows, root_columns = np.sqrt(rows), np.sqrt(columns)
    inverse_rows = np.divide(1.0, root_rows, out=np.zeros_like(rows), where=rows > 0)
    inverse_columns = np.divide(1.0, root_columns, out=np.zeros_like(columns), where=columns > 0)
    s = inverse_rows[:, :, None] * p * inverse_columns[:, None]
    symmetric = s @ s.transpose(0, 2, 1)
    # Q in the same basis, which is S S' but for EPSILON.
    shifted = root_rows[:, :, None] * q * inverse_rows[:, None]
    eigenvalues = np.linalg.eigvalsh(symmetric)
    second = eigenvalues[:, -2]
    shift = np.abs(shifted - symmetric).sum(axis=2).max(axis=1) + ROUNDING
    gap = np.minimum(eigenvalues[:, -1] - second, second - eigenvalues[:, -3])
    clear = gap > CLEAR_GAP * shift
    refined = np.empty(len(p))
    rough = bool((shift * shift > 1e-14 * gap * second)[clear].any())
    refined[clear] = nearest_eigenvalues(shifted[clear], second[clear], n_steps=2 if rough else 1)
    if not clear.all():
        refined[~clear] = general_eigenvalues(q[~clear])
    return refined


def nearest_eigenvalues(matrices: np.ndarray, guesses: np.ndarray, *, n_steps: int) -> np.ndarray:
    """The eigenvalue (n_a,) nearest to each guess, by inverse iteration; matrices (n_a, n, n) nearly symmetric."""
    n = matrices.shape[1]
    # A little beside the guess: at an eigenvalue itself the system has no solution.
    moved = matrices - (guesses + ROUNDING)[:, None, None] * np.eye(n)
    vectors = np.broadcast_to(np.cos(np.arange(n) ** 2.0)[:, None], (len(matrices), n, 1))
    for _ in range(n_steps):
        vectors = np.linalg.solve(moved, vectors)
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors.transpose(0, 2, 1) @ matrices @ vectors)[:, 0, 0]
