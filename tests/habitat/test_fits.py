"""Which clusterings a study needs: the parts that `reduce` asks for, and the patients that each is fitted on."""

import pandas as pd
import pytest

from pipeline.foundation.errors import CohortError
from pipeline.habitat.fits import fits_of, parts_needed
from pipeline.plan.feature_sets import FusionParams
from pipeline.reduce.blocks import parts_of

EMBED = {"nets": ["cross", "cold"], "strategy": "crossfit", "backbones": {"cold": {"strategy": "frozen"}}}
TABLES = {"cross": {"a", "b"}, "cold": {"all"}}


def fusion(*, match=True, **sets):
    return FusionParams(sets=sets, match_parts=match)


@pytest.mark.parametrize("match", [True, False])
@pytest.mark.parametrize(
    "sets",
    [
        {"one": ("habitat",)},
        {"one": ("habitat", "cold")},
        {"one": ("habitat",), "two": ("cross",)},
        {"one": ("habitat", "cross"), "two": ("clinical",)},
        {"one": ("habitat",), "two": ("cross_logit", "habitat"), "three": ("cold",)},
    ],
)
def test_the_parts_are_those_that_reduce_asks_for(sets, match):
    plan = fusion(match=match, **sets)
    networks = {net: TABLES[net] for net in TABLES if any(net in (b, b.removesuffix("_logit")) for b in plan.blocks)}
    tables = {block: networks[block.removesuffix("_logit")] for block in plan.blocks if block[:4] in ("cros", "cold")}
    asked = set()
    for blocks in sets.values():
        if "habitat" in blocks:
            asked |= set(parts_of(tables, used=blocks, match_parts=match))

    assert set(parts_needed(plan, embed=EMBED, block="habitat", tested="none")) == asked


def test_the_self_tests_fit_their_set_on_all_training_patients():
    plan = fusion(one=("habitat", "cross"))

    assert parts_needed(plan, embed=EMBED, block="habitat", tested="one") == ("all", "a", "b")
    assert parts_needed(plan, embed=EMBED, block="peritumoral", tested="one") == ()


def splits():
    rows = [("final", "p1", "train", "a"), ("final", "p2", "train", "b"), ("final", "p3", "external", None)]
    rows += [("cv-1", "p1", "train", "b"), ("cv-1", "p2", "cv", None), ("cv-1", "p3", "external", None)]
    return pd.DataFrame(rows, columns=["resample", "patient_id", "role", "half"])


def test_part_a_is_fitted_on_half_b_which_its_classifier_is_fitted_on():
    found = {fit.rows: (sorted(fit.trained), sorted(fit.labelled)) for fit in fits_of(splits(), parts=("all", "a"))}

    assert found == {
        ("cv-1", "all"): (["p1"], ["p1", "p2", "p3"]),
        ("cv-1", "a"): (["p1"], ["p1", "p2", "p3"]),
        ("final", "all"): (["p1", "p2"], ["p1", "p2", "p3"]),
        ("final", "a"): (["p2"], ["p2", "p3"]),
    }


def test_a_training_patient_without_a_half_is_refused_if_halves_are_needed():
    table = splits()
    table.loc[0, "half"] = None

    assert len(fits_of(table, parts=("all",))) == 2
    with pytest.raises(CohortError, match="resample final, patient p1: role train without a half"):
        fits_of(table, parts=("a", "b"))
