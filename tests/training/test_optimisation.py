"""Learning rates, losses, clipping and averages by hand."""

import math

import numpy as np
import pytest
import torch
from tiny_study import training_params
from torch import nn

from pipeline.training.optimisation import (
    MovingAverage,
    class_weight_ratio,
    loss_of,
    loss_of_output,
    optimiser_of,
    rate,
)

CPU = torch.device("cpu")
LABELS = np.array([1, 0, 0, 0], dtype=np.float32)


def test_class_weights_by_hand():
    assert class_weight_ratio(LABELS, how="balanced") == 3.0
    assert class_weight_ratio(LABELS, how="none") == 1.0


def test_learning_rate_warms_up_and_falls():
    params = training_params(epochs=10, warm_up_epochs=2, schedule="cosine")
    rates = [rate(step, steps=100, params=params) for step in range(100)]

    assert rates[0] == pytest.approx(1 / 21)
    assert rates[20] == 1.0
    assert max(rates) == 1.0
    assert rates[60] == pytest.approx(0.5)
    assert rates[-1] < 0.001
    assert rate(0, steps=1, params=training_params(warm_up_epochs=1000)) == 1.0


def test_steps_fall_by_their_factor():
    params = training_params(epochs=6, warm_up_epochs=0, schedule="step", step_epochs=2, step_factor=0.5)
    rates = [rate(step, steps=60, params=params) for step in (0, 19, 20, 39, 40, 59)]

    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


def test_the_published_schedule_of_trfe_net_by_hand():
    params = training_params(epochs=40, warm_up_epochs=0, schedule="trfe_published", learning_rate=0.01)
    rates = [rate(step, steps=400, params=params) for step in range(400)]  # ten steps per epoch

    assert [rates[10 * epoch] for epoch in (0, 10, 20, 30)] == pytest.approx([1.0, 0.795, 0.560, 0.313], abs=5e-4)
    assert rates == pytest.approx(np.repeat([rates[0], rates[100], rates[200], rates[300]], 100).tolist())


def test_the_published_optimiser_decays_everything_with_plain_momentum():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    params = training_params(optimiser="sgd", weight_decay=0.5, schedule="trfe_published")
    published = optimiser_of(network, params=params, device=CPU)

    assert {group["weight_decay"] for group in published.param_groups} == {0.5}
    assert not any(group["nesterov"] for group in published.param_groups)


TRUTH = torch.from_numpy(LABELS)


def test_weighted_cross_entropy_by_hand():
    loss = loss_of(torch.zeros(4), TRUTH, ratio=3.0, params=training_params())
    certain = loss_of(torch.tensor([2.0, 0, 0, 0]), TRUTH, ratio=3.0, params=training_params())

    assert float(loss) == pytest.approx(math.log(2))
    # The event weighs as much as the three non-events together.
    assert float(certain) == pytest.approx((math.log1p(math.exp(-2)) + math.log(2)) / 2)


def test_focal_loss_by_hand():
    params = training_params(loss="focal", focal_gamma=2.0)
    logits = torch.tensor([2.0, 0, 0, 0])
    p = 1 / (1 + math.exp(-2))
    expected = (3 * (1 - p) ** 2 * -math.log(p) + 3 * 0.25 * math.log(2)) / 6

    assert float(loss_of(logits, TRUTH, ratio=3.0, params=params)) == pytest.approx(expected, rel=1e-6)
    plain = training_params(loss="focal", focal_gamma=0.0)
    assert float(loss_of(logits, TRUTH, ratio=3.0, params=plain)) == pytest.approx(
        float(loss_of(logits, TRUTH, ratio=3.0, params=training_params()))
    )


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_a_mixed_label_has_both_terms_in_proportion(loss):
    params, logits = training_params(loss=loss), torch.tensor([0.7, 0.7])
    sure, share = loss_of(logits, torch.tensor([1.0, 0.0]), ratio=1.0, params=params), torch.tensor([0.5, 0.5])

    assert float(loss_of(logits, share, ratio=1.0, params=params)) == pytest.approx(float(sure))
    # A quarter of an event of weight 3 and three quarters of a non-event: 0.75 of each, of 1.5 in all.
    quarter = loss_of(logits[:1], torch.tensor([0.25]), ratio=3.0, params=training_params())
    assert float(quarter) == pytest.approx(0.5 * (math.log1p(math.exp(-0.7)) + math.log1p(math.exp(0.7))))


def test_missing_views_count_neither_in_the_loss_nor_in_its_gradient():
    views = torch.tensor([[2.0, float("nan")], [0.0, 1.0]], requires_grad=True)
    truth, params = torch.tensor([1.0, 0.0]), training_params()
    logits = torch.zeros(2)
    loss = loss_of_output((logits, logits, views), truth, ratio=1.0, params=params, auxiliary_weight=0.5)
    loss.backward()
    first = (math.log1p(math.exp(-2)) + math.log(2)) / 2

    assert loss.item() == pytest.approx(math.log(2) + 0.5 * (first + math.log1p(math.e)) / 2)
    assert views.grad[0, 1] == 0
    assert torch.isfinite(views.grad).all()


def test_a_view_missing_in_the_whole_batch_adds_no_loss():
    views = torch.full((2, 1), float("nan"))
    plain = loss_of(torch.zeros(2), torch.tensor([1.0, 0.0]), ratio=1.0, params=training_params())
    given = (torch.zeros(2), torch.zeros(2), views)
    loss = loss_of_output(given, torch.tensor([1.0, 0.0]), ratio=1.0, params=training_params(), auxiliary_weight=0.5)

    assert float(loss) == float(plain)


def test_two_outputs_have_the_loss_of_the_first():
    given = (torch.ones(4), torch.zeros(4, 2))
    loss = loss_of_output(given, TRUTH, ratio=3.0, params=training_params(), auxiliary_weight=0.5)

    assert float(loss) == float(loss_of(torch.ones(4), TRUTH, ratio=3.0, params=training_params()))


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_biases_and_batch_norms_do_not_decay(name, kind):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    made = optimiser_of(network, params=training_params(optimiser=name, weight_decay=0.1), device=CPU)

    assert type(made) is kind
    assert [group["weight_decay"] for group in made.param_groups] == [0.1, 0.0]
    assert [p.ndim for p in made.param_groups[0]["params"]] == [4]


def test_moving_average_by_hand():
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 0.0)
    average = MovingAverage(network, decay=0.75)
    nn.init.constant_(network.weight, 1.0)
    average.update(network, step=100)
    average.update(network, step=101)

    average.exchange(network)
    assert float(network.weight.detach()) == pytest.approx(1 - 0.75**2)
    average.exchange(network)
    assert float(network.weight.detach()) == 1.0


def test_without_decay_there_is_no_average():
    network = nn.Linear(1, 1)
    before = network.weight.clone()
    average = MovingAverage(network, decay=None)
    average.update(network, step=0)
    average.exchange(network)

    assert torch.equal(network.weight, before)
