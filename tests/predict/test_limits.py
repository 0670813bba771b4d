"""Limits from held-out values: the ranks by hand, one odd value, the rate on new values, and altered text."""

import json

import numpy as np
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.predict.limits import MIN_VALUES, Limits, limits_of


def test_the_limits_of_a_thousand_values_are_their_ranks():
    found = limits_of(np.arange(1, 1000.0))  # ranks ceil(1000 q) of 1 .. 999

    assert (found.unusual, found.n) == (950, 999)
    assert found.outside == 990


def test_one_odd_patient_does_not_set_the_upper_limit():
    usual = np.arange(1, 101.0)
    with_odd = np.append(usual[:-1], 10_000.0)

    assert limits_of(usual).outside == pytest.approx(100, abs=1)
    # The value of rank ceil(101 * 0.99) is the maximum; the tail beyond rank 91 has a mean excess of 1117.
    assert limits_of(with_odd).outside == pytest.approx(91 + np.log(10) * (np.mean([*range(92, 100), 10_000]) - 91))


def test_new_values_of_the_same_population_pass_the_limits_at_the_nominal_rate():
    random = np.random.default_rng(0)
    rates = []
    for _ in range(300):
        found = limits_of(random.normal(size=100))
        new = random.normal(size=200)
        rates.append((np.mean(new > found.unusual), np.mean(new > found.outside)))

    assert np.mean(rates, axis=0) == pytest.approx([0.05, 0.012], abs=0.006)


def test_too_few_values_give_no_limit():
    assert limits_of(np.arange(MIN_VALUES - 1.0)) is None
    assert limits_of(np.append(np.arange(MIN_VALUES - 1.0), np.nan)) is None
    assert limits_of(np.arange(float(MIN_VALUES))) is not None


def test_severities():
    found = Limits(unusual=1.0, outside=2.0, n=100)

    values = [0.5, 1.0, 1.5, 2.5, np.nan]
    assert [found.severity(value) for value in values] == [None, None, "unusual", "outside", "outside"]


def test_json_keeps_every_digit():
    found = Limits(unusual=0.1 + 0.2, outside=1 / 3, n=3)

    assert Limits.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unusual": "1"}, "unusual: .*valid number"),
        ({"n": 1.5}, "n: .*integer"),
        ({"unusual": 5.0}, "limit 'unusual' is 5, more than"),
        ({"code": "print()"}, "code: Extra inputs"),
        ({"outside": float("nan")}, "outside: "),
    ],
)
def test_an_altered_text_is_one_sentence(change, words):
    content = json.dumps({"unusual": 1.0, "outside": 2.0, "n": 100} | change)

    with pytest.raises(PipelineError, match=f"{words}.*make the bundle again") as raised:
        Limits.from_json(content)
    assert "\n" not in str(raised.value)
