"""The filter keeps what agrees between masks, by the lower limit, and refuses what it cannot judge."""

import numpy as np
import pandas as pd
import pytest
from repeated_masks import repeated

from pipeline.agreement.agreement import feature_agreement
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.agreement_filter import AgreementFilter


def test_steady_features_of_every_view_and_indicators_are_kept():
    fitted = AgreementFilter(min_lower_limit=0.75).fit(repeated())
    columns = ["loose@trans", "steady@long", "flat@long", "steady@trans", "missing@long"]

    kept = fitted.transform(pd.DataFrame([[1, 2, 3, 4, 0]], columns=columns))

    assert fitted.kept_ == {"steady"}
    assert kept.columns.tolist() == ["steady@long", "steady@trans", "missing@long"]
    assert fitted.transform(pd.DataFrame(columns=["steady", "flat", "missing"])).columns.tolist() == [
        "steady",
        "missing",
    ]


def test_the_lower_limit_decides_and_not_the_estimate():
    agreement = feature_agreement(repeated()).set_index("feature").loc["loose"]
    between = (agreement["ci_low"] + agreement["icc"]) / 2

    assert "loose" not in AgreementFilter(min_lower_limit=between).fit(repeated()).kept_
    assert "loose" in AgreementFilter(min_lower_limit=agreement["ci_low"]).fit(repeated()).kept_


@pytest.mark.parametrize("rows", [repeated(n=1), repeated(repeats=1), repeated()[:0]])
def test_without_repeated_masks_nothing_can_be_judged(rows):
    with pytest.raises(PipelineError, match="fewer than 2 training images"):
        AgreementFilter(min_lower_limit=0.75).fit(rows)


def test_features_of_other_settings_are_refused():
    fitted = AgreementFilter(min_lower_limit=0.75).fit(repeated())

    with pytest.raises(PipelineError, match="lack 1 features of the images, first other"):
        fitted.transform(pd.DataFrame(columns=["steady@long", "other@long"]))


def test_indicators_of_what_is_imputed_stay():
    rows = repeated().assign(outer_absent=0.0, outer_inside=1.0)
    fitted = AgreementFilter(min_lower_limit=0.75).fit(rows)
    columns = ["steady", "loose", "outer_absent", "outer_inside", "missing"]

    kept = fitted.transform(pd.DataFrame(np.ones((2, 5)), columns=columns))

    assert list(kept.columns) == ["steady", "outer_absent", "missing"]
