import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from pipeline.foundation.errors import PipelineError
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.reducer_files import HEADER, from_bytes, to_bytes

ROWS = 40
IDS = pd.Index([f"P{number:03d}" for number in range(ROWS)], name="patient_id", dtype="str")
SITES = pd.Series(["A", "B"] * (ROWS // 2), index=IDS)
Y = np.array([0, 1, 1, 0] * (ROWS // 4))
GROUPS = IDS.to_numpy().astype(np.str_)


def params(**changed):
    lasso = {"rule": "min", "n_lambdas": 20, "min_lambda_ratio": 0.01, "folds": 3}
    given = {"agreement": None, "harmonisation": None, "max_same_fraction": 0.95, "max_spearman": 0.9}
    given |= {"pca": {"max_components": 8, "variance": 0.95}, "lasso": lasso, "half_samples": 0}
    return ReduceParams.model_validate(given | changed)


def numbers(seed=0, columns=12):
    values = np.random.default_rng(seed).normal(size=(ROWS, columns))
    values[:, 0] += 2 * Y
    values[3, 1] = np.nan
    frame = pd.DataFrame(values, index=IDS, columns=[f"f{number}" for number in range(columns)])
    return frame.assign(missing=0.0)


def clinical():
    texts = pd.Series(["F", "M", None, "F"] * (ROWS // 4), index=IDS)
    ages = pd.Series(np.arange(ROWS, dtype=np.float64), index=IDS).where(np.arange(ROWS) != 5)
    return pd.DataFrame({"sex": texts, "age": ages, "a=b": texts})


COMBAT = {
    "method": "combat",
    "kinds": ["radiomics", "deep"],
    "mean_only": False,
    "unseen_site": "pooled",
    "min_rows": 5,
}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("radiomics", {}),
        ("radiomics", {"harmonisation": COMBAT}),
        ("deep", {}),
        ("deep", {"harmonisation": COMBAT}),
        ("logit", {}),
        ("clinical", {}),
    ],
)
def test_a_reducer_read_back_gives_the_same_numbers_to_the_bit(kind, settings):
    table = clinical() if kind == "clinical" else numbers()
    new = clinical().iloc[::-1] if kind == "clinical" else numbers(seed=1)
    reducer = BlockReducer(kind=kind, params=params(**settings), indicators=("missing",), seed=3, sites=SITES)
    reducer.fit(table, Y, GROUPS)

    again = from_bytes(to_bytes(reducer), place="x")
    again.sites = SITES

    pd.testing.assert_frame_equal(again.transform(new), reducer.transform(new), check_exact=True)
    assert again.unseen(new) == reducer.unseen(new)
    assert reducer.transform(new).shape[1] > 0
    assert to_bytes(again) == to_bytes(reducer)


def test_the_agreement_filter_is_kept():
    repeats = pd.concat([numbers(), numbers()]).drop(columns="missing").fillna(0)
    repeats["f2"] = np.random.default_rng(5).normal(size=2 * ROWS)  # agrees with nothing
    repeats = repeats.assign(image_id=[*IDS, *IDS], repeat=[0] * ROWS + [1] * ROWS, status="ok", reason=None)
    reducer = BlockReducer(
        kind="radiomics", params=params(agreement={"min_lower_limit": 0.75}), indicators=("missing",), seed=3
    )
    reducer.fit(numbers(), Y, GROUPS, repeats)

    again = from_bytes(to_bytes(reducer), place="x")

    assert "f2" not in again.steps_[0].transform(numbers())
    with pytest.raises(PipelineError, match="lack 1 features"):
        again.transform(numbers().assign(other=1.0))


def test_no_training_row_is_in_the_file():
    table = numbers()
    reducer = BlockReducer(kind="deep", params=params(), indicators=("missing",), seed=3).fit(table, Y, GROUPS)

    kept = np.concatenate([array.ravel() for array in load(to_bytes(reducer)).values()])

    # The median of an odd number of values is one of them; no two values of a row are there.
    assert np.isin(table.drop(columns="missing").to_numpy(), kept).sum(axis=1).max() <= 1


def test_a_damaged_or_foreign_file_is_refused():
    content = to_bytes(
        BlockReducer(kind="deep", params=params(), indicators=("missing",), seed=3).fit(numbers(), Y, GROUPS)
    )
    foreign = save({"0.means": np.zeros(2)}, metadata={HEADER: json.dumps({"kind": "deep", "steps": []})})

    for wrong in (content[:-9], b"", foreign, save({"x": np.zeros(2)})):
        with pytest.raises(PipelineError, match=r"r\.safetensors: not the file of a fitted reducer"):
            from_bytes(wrong, place="r.safetensors")
