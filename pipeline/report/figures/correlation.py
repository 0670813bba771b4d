"""The correlation map: Spearman's rho between features, with correlated features side by side."""

from textwrap import wrap

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from pipeline.plan.feature_names import feature_words
from pipeline.report.figures.axes import WIDTH, joined, picture, place, text
from pipeline.report.figures.marks import dot, legend

MAX_FEATURES = 25  # of one map
LARGEST_CELL = 30
LETTERS = 54
FAINT = 0.05  # a weaker correlation is not drawn


def correlation_figure(features: pd.DataFrame, *, title: str) -> Markup | None:
    """Spearman's rho between the columns, of which the first `MAX_FEATURES` are shown; None if fewer than two.

    The area of a disc is |rho|; filled = positive, open = negative. Order: average linkage on 1 - |rho|, with optimal
    leaf ordering (Bar-Joseph et al. 2001). A constant feature has correlation 0 with every other.
    """
    shown = features.iloc[:, :MAX_FEATURES]
    if shown.shape[1] < 2:
        return None
    rho = shown.corr(method="spearman").fillna(0.0).to_numpy(dtype=np.float64)
    order = clustered(rho)
    rho = rho[np.ix_(order, order)]
    cell = min((WIDTH - 6) / len(order), LARGEST_CELL)
    pieces = [
        text(3 + (n + 0.5) * cell, (n + 0.5) * cell + 8, str(n + 1), anchor="middle", css="small strong")
        for n in range(len(order))
    ]
    pieces += _discs(rho, cell=cell)
    names, y = [], cell * len(order) + 30
    for row, index in enumerate(order):
        lines = wrap(f"{row + 1}  {_words_of(str(shown.columns[index]))}", LETTERS)
        names += [text(3 if n == 0 else 20, y + 17 * n, line) for n, line in enumerate(lines)]
        y += 17 * len(lines)
    entries = [("positive", dot(0, 0, size=8)), ("negative", dot(0, 0, size=8, css="dot open"))]
    if features.shape[1] > MAX_FEATURES:
        names.append(text(3, y, f"The first {MAX_FEATURES} of {features.shape[1]} features.", css="soft"))
        y += 17
    key, height = legend(entries, x=3, y=y + 10, width=WIDTH)
    return picture(
        joined([*pieces, *names, key]),
        width=WIDTH,
        height=y + height + 4,
        title=title,
        description=_words(rho, [_words_of(str(shown.columns[index])) for index in order]),
    )


def clustered(rho: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order of the features of a correlation matrix (p, p) that places similar ones side by side, shape (p,)."""
    apart = np.clip(1 - np.abs((rho + rho.T) / 2), 0, None)
    np.fill_diagonal(apart, 0)
    distances = squareform(np.round(apart, 12), checks=False)
    return np.asarray(leaves_list(linkage(distances, method="average", optimal_ordering=True)), dtype=np.int64)


def _words_of(name: str) -> str:
    """A column of the reduced table in words; prefixed by its block for a network or another table."""
    block, _, feature = name.partition(".")
    words = feature_words(feature or block)
    return words if words.endswith(")") or not feature else f"{block}: {words}"


def _discs(rho: NDArray[np.float64], *, cell: float) -> list[Markup]:
    pieces = []
    for row in range(len(rho)):
        for column in range(row):
            value = float(rho[row, column])
            x, y = 3 + column * cell, 4 + row * cell
            pieces.append(_square(x, y, cell))
            if abs(value) >= FAINT:
                size = abs(value) ** 0.5 * (cell / 2 - 1)
                pieces.append(
                    dot(x + cell / 2, y + cell / 2, size=round(size, 2), css="dot" if value > 0 else "dot open")
                )
    return pieces


def _square(x: float, y: float, side: float) -> Markup:
    return Markup('<path class="grid" d="M{} {}h{s}v{s}h-{s}z"/>').format(place(x), place(y), s=place(side))


def _words(rho: NDArray[np.float64], names: list[str]) -> str:
    lower = np.tril(np.abs(rho), k=-1)
    row, column = np.unravel_index(int(lower.argmax()), lower.shape)
    sign = "positively" if rho[row, column] > 0 else "negatively"
    return (
        f"Rank correlations of {len(names)} features. The strongest pair, {sign} correlated: {names[column]} and "
        f"{names[row]}."
    )
