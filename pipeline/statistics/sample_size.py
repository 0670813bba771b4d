"""Sample size for developing a logistic model: the criteria of Riley and colleagues for a binary outcome.

Riley et al. 2019 (Stat Med 38:1276) and 2020 (BMJ 368:m441); R's pmsampsize(type = "b"). They assume one logistic
regression of p parameters without selection; a LASSO, trees or boosting need as many patients or more.

Validated against the first paper's example, which is also that of pmsampsize's help (R² 0.288, 24 parameters,
prevalence 0.174: 623, 662 and 221 patients), and for the C-statistic against pmsampsize's simulation, run in R (C
0.78, prevalence 0.2: R² 0.1579 to 0.1590 over four seeds; exact value 0.1589).
"""

from dataclasses import dataclass
from math import ceil, exp, log

import numpy as np
from scipy.special import log_expit, logit
from scipy.stats import norm

SHRINKAGE = 0.9  # criterion 1: at most 10 % of overfitting
OPTIMISM = 0.05  # criterion 2: between apparent and adjusted R² (Nagelkerke)
MARGIN = 0.05  # criterion 3: margin of error of the overall risk
Z = 1.96  # as printed in the papers
ORDINARY = 0.15  # fraction of the maximum R² assumed if nothing is known (Riley 2019, section 4.3)


@dataclass(frozen=True, kw_only=True)
class SampleSize:
    """Patients that each criterion requires, the maximum of them, and the events expected among these.

    `epp` is the corresponding number of events per parameter, counted in the rarer of the two outcomes.
    """

    shrinkage: int
    optimism: int
    overall_risk: int
    required: int
    events: float
    epp: float


def largest_r_squared(prevalence: float) -> float:
    """The maximum Cox-Snell R² for an outcome of this prevalence: 1 - (φ^φ (1 - φ)^(1 - φ))²."""
    _check("prevalence", prevalence)
    return 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))


def ordinary_r_squared(prevalence: float) -> float:
    """15 % of the maximum R²: the assumption if there is no earlier model."""
    return ORDINARY * largest_r_squared(prevalence)


def r_squared_of_auc(auc: float, *, prevalence: float) -> float:
    """Cox-Snell R² of a model with this AUC: Riley et al. 2021 (Stat Med 40:859), without their simulation.

    The linear predictor is normal with variance 1 in both classes, whose means lie sqrt(2)·Φ⁻¹(AUC) apart; its logistic
    model is then known, and R² = 1 - exp(2 (E ln L0 - E ln L)) is an integral (here a sum over a fine grid).
    Raises ValueError unless 0.5 ≤ auc < 1 and 0 < prevalence < 1.
    """
    _check("prevalence", prevalence)
    if not 0.5 <= auc < 1:
        raise ValueError(f"auc ({auc}) must be 0.5 or more and below 1")
    apart = 2**0.5 * float(norm.ppf(auc))
    grid = np.linspace(-10, 10, 20_001)
    weight = norm.pdf(grid) * (grid[1] - grid[0])
    intercept = float(logit(prevalence)) - apart**2 / 2
    event, other = (intercept + apart * (grid + shift) for shift in (apart, 0.0))
    gain = float(prevalence * (weight @ log_expit(event)) + (1 - prevalence) * (weight @ log_expit(-other)))
    none = prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)
    return max(0.0, 1 - exp(2 * (none - gain)))


def required_patients(parameters: int, *, prevalence: float, r_squared: float) -> SampleSize:
    """The patients needed for a model of `parameters` candidate parameters with the Cox-Snell R² `r_squared`.

    1. shrinkage S ≥ 0.9: n = p / ((S - 1) ln(1 - R² / S));
    2. optimism ≤ 0.05: the same n with S = R² / (R² + 0.05 · maximum R²);
    3. margin of error of the overall risk ≤ 0.05: n = (1.96 / 0.05)² φ (1 - φ).
    Raises ValueError if parameters < 1, or if R² is not above 0, below its maximum and below 0.9.
    """
    if parameters < 1:
        raise ValueError(f"parameters ({parameters}) must be 1 or more")
    most = largest_r_squared(prevalence)
    if not 0 < r_squared < min(most, SHRINKAGE):
        raise ValueError(f"r_squared ({r_squared}) must be above 0 and below {min(most, SHRINKAGE):.4f}")
    first = _for_shrinkage(SHRINKAGE, parameters=parameters, r_squared=r_squared)
    second = _for_shrinkage(r_squared / (r_squared + OPTIMISM * most), parameters=parameters, r_squared=r_squared)
    third = ceil((Z / MARGIN) ** 2 * prevalence * (1 - prevalence))
    required = max(first, second, third)
    events = required * prevalence
    return SampleSize(
        shrinkage=first,
        optimism=second,
        overall_risk=third,
        required=required,
        events=events,
        epp=required * min(prevalence, 1 - prevalence) / parameters,
    )


def _for_shrinkage(shrinkage: float, *, parameters: int, r_squared: float) -> int:
    return ceil(parameters / ((shrinkage - 1) * log(1 - r_squared / shrinkage)))


def _check(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} ({value}) must be above 0 and below 1")
