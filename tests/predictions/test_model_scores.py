"""model_scores: which models are a network's own probability."""

import pytest

from pipeline.predictions.model_scores import is_head


@pytest.mark.parametrize(
    ("feature_set", "model", "expected"),
    [
        ("net", "net_head", True),
        ("net", "net_head_long", True),
        ("net", "net_headlong", False),
        ("net", "other_head", False),
        ("net_head", "net_head", False),
        ("net", "lr", False),
    ],
)
def test_heads_are_known_by_the_name_of_their_network(feature_set, model, expected):
    assert is_head(feature_set, model) is expected
