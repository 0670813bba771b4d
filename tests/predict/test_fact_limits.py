"""Facts beyond those of training: spreads by hand, the rate over all facts together, views with few images."""

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.predict.fact_limits import FactRange, FactRanges, fit_facts, held_out_scores, ranges_of_facts, scores_of
from pipeline.predict.image_facts import FACTS

N = 200


def facts(n=N, *, seed=0, view="long", first=0):
    random = np.random.default_rng(seed)
    ids = [f"p{number:04d}" for number in range(first, first + n)]
    values = pd.DataFrame(np.exp(random.normal(size=(n, len(FACTS))) / 4) * 100, columns=FACTS)
    values["lesion_volume_mm3"] = np.nan
    return pd.concat([pd.DataFrame({"image_id": ids, "patient_id": ids, "view": view}), values], axis=1)


def splits(n=N):
    rows = []
    for resample, fold in (("cv-1-1", 0), ("cv-1-2", 1), ("final", None)):
        rows += [(resample, f"p{i:04d}", "cv" if i % 2 == fold else "train", None) for i in range(n)]
    return pd.DataFrame(rows, columns=["resample", "patient_id", "role", "half"])


def test_scores_by_hand():
    grey = FactRange(view="long", fact="crop_grey_mean", middle=100.0, below=10.0, above=20.0)
    size = FactRange(view="long", fact="lesion_voxels", middle=np.log(100), below=np.log(2), above=np.log(2))

    assert grey.scores(np.array([100.0, 80.0, 140.0, np.nan])) == pytest.approx([0, 2, 2, np.nan], nan_ok=True)
    assert size.scores(np.array([25.0, 200.0, 0.0]))[:2] == pytest.approx([2, 1])
    assert size.scores(np.array([0.0]))[0] > 20
    assert grey.edges(2) == (80, 140)
    assert size.edges(2) == pytest.approx((25, 400))


def test_all_facts_together_flag_at_the_nominal_rate():
    found = fit_facts(facts(), splits=splits())
    new = scores_of(found.ranges, facts(2000, seed=1)).groupby("patient_id")["score"].max()

    assert np.mean(new > found.limits.unusual) == pytest.approx(0.05, abs=0.025)
    assert np.mean(new > found.limits.outside) == pytest.approx(0.01, abs=0.01)
    one = scores_of(found.ranges, facts(2000, seed=1)).query("fact == 'sharpness'")["score"]
    assert np.mean(one > found.limits.unusual) < 0.02  # each alone is flagged far less often


def test_an_image_is_compared_with_its_own_view():
    large = facts(seed=2, view="trans").assign(lesion_voxels=lambda table: table["lesion_voxels"] * 10)
    found = ranges_of_facts(pd.concat([facts(), large]))
    probe = pd.concat([facts(1), facts(1, view="trans"), facts(1, view="other")]).assign(lesion_voxels=1000.0)

    score = scores_of(found, probe).query("fact == 'lesion_voxels'").set_index("view")["score"]
    assert score["long"] > 3
    assert score["trans"] < 1
    assert "other" not in score


def test_a_constant_fact_has_a_spread_and_a_view_of_few_images_no_range():
    flat = facts().assign(crop_grey_p01=0.0, crop_grey_sd=20.0)
    found = {(one.view, one.fact): one for one in ranges_of_facts(pd.concat([flat, facts(19, view="rare")]))}

    assert found["long", "crop_grey_p01"].above == pytest.approx(1.0)  # a twentieth of the SD of the crop
    assert {view for view, _ in found} == {"long"}
    assert ("long", "lesion_volume_mm3") not in found


def test_held_out_images_do_not_widen_their_own_range():
    odd = facts().assign(sharpness=lambda table: table["sharpness"] * np.where(table.index % 2, 1, 1000))

    scores = held_out_scores(odd, splits=splits())
    assert scores["cv-1-1"].min() > 5  # fitted on the sharp ones of the other half alone
    assert len(scores) == N


def test_a_study_without_images_or_folds_has_no_limits():
    assert fit_facts(facts().head(0), splits=splits()) == FactRanges(ranges=(), limits=None)
    assert fit_facts(facts(), splits=splits().query("resample == 'final'")).limits is None


def test_the_text_gives_the_same_object_and_an_unknown_fact_is_refused():
    found = fit_facts(facts(), splits=splits())
    text = found.to_json()

    assert FactRanges.from_json(text) == found
    with pytest.raises(PipelineError, match="'aroma' is no fact of an image"):
        FactRanges.from_json(text.replace('"contrast"', '"aroma"'))
    with pytest.raises(PipelineError, match=r"below.*greater than 0"):
        FactRange.from_json('{"view": "a", "fact": "contrast", "middle": 0.0, "below": 0.0, "above": 1.0}')
