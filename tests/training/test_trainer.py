"""The trainer: learns, is reproducible, stops early, refuses forbidden patients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from places import ROOT
from sklearn.metrics import roc_auc_score
from tiny_study import NO_CHANGE, STOPPING, TinyNet, cohort, training_params
from torch import nn

from pipeline.embed.params import EmbedParams
from pipeline.embed.view_pairs import paired
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params
from pipeline.networks.progressive import ProgressiveParams
from pipeline.networks.registry import ARCHITECTURES, TIMM, Network, build_network
from pipeline.networks.timm_backbone import BackboneParams
from pipeline.training.batches import Examples, validation_rows
from pipeline.training.device import reproducible
from pipeline.training.optimisation import loss_of
from pipeline.training.state import TrainingState
from pipeline.training.trainer import Trainer, set_dropout

CPU = torch.device("cpu")
STRENGTHS = NO_CHANGE.model_copy(update={"rotation_deg": 10, "noise_sd": 0.05, "flip": 0.5})


def trainer(network=None, *, strengths=NO_CHANGE, loaders=0, **params):
    return Trainer(
        network or TinyNet(None),
        params=training_params(**params),
        strengths=strengths,
        normalise="image",
        device=CPU,
        loaders=loaders,
    )


def fitted(seed, *, study=None, loaders=0, state=None, **params):
    study = study or cohort()
    rows = np.arange(len(study.inputs.image_ids))
    with reproducible(seed=seed, threads=1, device=CPU):
        made = trainer(strengths=STRENGTHS, loaders=loaders, **params)
        record = made.fit(study.examples(rows), forbidden=frozenset(), seed=seed, state=state)
        found = made.encoder.encode(study.inputs.pixels)
        return made, record, (found.logits, found.embeddings)


def test_same_seed_same_weights_and_another_seed_others():
    first, second, other = (fitted(seed)[2] for seed in (1, 1, 2))

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])


def test_settings_of_torch_are_restored():
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    fitted(1)

    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_embeddings_are_float32_and_bfloat16_training_differs():
    _, record, (logits, embeddings) = fitted(1)
    mixed = fitted(1, precision="bfloat16")[2]

    assert embeddings.dtype == np.float32
    assert logits.shape == (48,)
    assert embeddings.shape == (48, 4)
    assert mixed[1].dtype == np.float32
    assert not np.array_equal(mixed[1], embeddings)
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]


def test_a_forbidden_group_is_refused():
    study = cohort()
    examples = study.examples(np.arange(48))
    with pytest.raises(AssertionError, match="leak"):
        trainer().fit(examples, forbidden=frozenset({"GP003"}), seed=1)


def test_early_stopping_keeps_the_best_epoch():
    study = cohort(150)  # noise: the loss on the held-out part soon rises
    stopping = STOPPING | {"enabled": True}
    made, record, _ = fitted(3, study=study, epochs=60, learning_rate=0.05, early_stopping=stopping)
    losses = [epoch.validation_loss for epoch in record.epochs]

    assert record.n_validation_patients == 30
    assert len(losses) < 60
    assert len(losses) - 1 - int(np.argmin(losses)) == 3  # patience
    assert record.epochs[-1].train_loss < record.epochs[0].train_loss
    assert made.network is not None


def test_the_validation_loss_is_that_of_the_kept_weights():
    study = cohort(150)
    rows = np.arange(300)
    with reproducible(seed=3, threads=1, device=CPU):
        made = trainer(epochs=40, learning_rate=0.05, early_stopping=STOPPING | {"enabled": True})
        record = made.fit(study.examples(rows), forbidden=frozenset(), seed=3)
        order = np.random.default_rng(3)
        held = validation_rows(study.examples(rows), params=made.params.early_stopping, order=order)
        examples = study.examples(held)
        logits = torch.from_numpy(made.encoder.encode(examples.pixels).logits)
        truth = torch.from_numpy(examples.labels)
        again = float(loss_of(logits, truth, ratio=record.weight_ratio, params=made.params))

    assert again == min(epoch.validation_loss for epoch in record.epochs)


def test_few_events_run_all_epochs():
    _, record, _ = fitted(1, epochs=4, early_stopping=STOPPING | {"enabled": True})

    assert len(record.epochs) == 4
    assert record.n_validation_patients == 0
    assert all(epoch.validation_loss is None for epoch in record.epochs)


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": "sgd", "learning_rate": 0.1},
        {"loss": "focal"},
        {"gradient_clip_norm": 0.01},
        {"ema_decay": 0.9},
        {"schedule": "step", "step_epochs": 1},
    ],
)
def test_every_setting_of_the_training_has_an_effect_and_is_reproducible(change):
    plain, first, second = (fitted(1, **one)[2][1] for one in ({}, change, change))

    assert np.array_equal(first, second)
    assert not np.array_equal(first, plain)


def test_first_loss_is_that_of_chance():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 1))

        def forward(self, x):
            return self.weight.expand(len(x), 1).squeeze(1), self.weight.expand(len(x), 1)

    study = cohort()
    record = trainer(Blind(), epochs=1, learning_rate=1e-9).fit(
        study.examples(np.arange(48)), forbidden=frozenset(), seed=1
    )

    assert record.epochs[0].train_loss == pytest.approx(math.log(2), abs=1e-6)


class StoppedError(Exception):
    """The machine is switched off."""


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"ema_decay": 0.8, "optimiser": "sgd", "schedule": "cosine", "warm_up_epochs": 1},
        {"early_stopping": STOPPING | {"enabled": True}, "learning_rate": 0.05},
    ],
)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(how, tmp_path, monkeypatch):
    study = cohort(150) if "early_stopping" in how else cohort()
    whole = fitted(1, study=study, epochs=6, **how)
    state = TrainingState(tmp_path / "a.epoch", every_s=0)
    save, saved = TrainingState.save, []

    def save_and_stop(self, content):
        save(self, content)
        saved.append(len(content["history"]))
        if len(saved) == 3:
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", save_and_stop)
        with pytest.raises(StoppedError):
            fitted(1, study=study, epochs=6, state=state, **how)
    resumed = fitted(1, study=study, epochs=6, state=TrainingState(tmp_path / "a.epoch"), **how)

    assert saved == [1, 2, 3]
    assert resumed[1] == whole[1]
    assert all(np.array_equal(one, other) for one, other in zip(resumed[2], whole[2], strict=True))


def progressive(*, loaders=0, state=None):
    """A network with dropout, trained progressively in three stages over four epochs."""

    class Growing(TinyNet):
        def __init__(self):
            super().__init__(None)
            self.dropout = nn.Dropout(0.5)

        def forward(self, x):
            return super().forward(self.dropout(nn.functional.interpolate(x, size=32)))

    with reproducible(seed=5, threads=1, device=CPU):
        made = Trainer(
            Growing(),
            params=training_params(epochs=4, batch_size=10),
            strengths=STRENGTHS,
            normalise="image",
            device=CPU,
            progressive=ProgressiveParams(stages=3, magnitude=(2, 10), mixup_alpha=(0, 0.4), dropout=(0.1, 0.3)),
            train_size_px=64,
            loaders=loaders,
        )
        record = made.fit(cohort().examples(np.arange(48)), forbidden=frozenset(), seed=5, state=state)
    return record, made.weights()


def test_a_progressive_training_is_resumed_within_a_stage(tmp_path, monkeypatch):
    whole, state = progressive(), TrainingState(tmp_path / "a.epoch", every_s=0)
    save = TrainingState.save

    def save_and_stop(self, content):
        save(self, content)
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", save_and_stop)
        with pytest.raises(StoppedError):  # after one epoch of four, in the first of three stages
            progressive(state=state)
    resumed = progressive(state=TrainingState(tmp_path / "a.epoch"))

    assert resumed[0] == whole[0]
    assert all(torch.equal(value, whole[1][name]) for name, value in resumed[1].items())


def test_any_number_of_loader_processes_gives_the_same_bytes():
    alone, many = progressive(), progressive(loaders=2)
    assert all(torch.equal(value, many[1][name]) for name, value in alone[1].items())

    none, two = fitted(1), fitted(1, loaders=2)

    assert none[1] == two[1]
    assert all(np.array_equal(one, other) for one, other in zip(none[2], two[2], strict=True))


def small(name):
    """The network with the demo's settings on images of the minimum size."""
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)
    size = max(32, ARCHITECTURES[name].min_size_px)
    changes = {"image_size_px": size} if name in ("vit", "inception3") else {}
    changed = getattr(params, name).model_copy(update=changes)
    network = params.model_copy(update={name: changed}).network(name)
    return network, max([size, *(ARCHITECTURES[part.name].min_size_px for part in network.parts)])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_network_trains_two_steps_and_embeds(name):
    network, size = small(name)
    rng = np.random.default_rng(0)
    two = network.architecture.has_views
    pixels = rng.integers(0, 256, (4, 2, 1, size, size) if two else (4, 1, size, size)).astype(np.uint8)
    present = np.array([[True, True], [True, False], [False, True], [True, True]]) if two else None
    names = tuple("abcd")
    labels = np.array([0, 1, 0, 1], dtype=np.float32)
    examples = Examples(pixels=pixels, labels=labels, patients=names, groups=names, present=present)
    with reproducible(seed=0, threads=1, device=CPU):
        made = trainer(build_network(network), epochs=1, batch_size=2)
        before = made.weights()
        record = made.fit(examples, forbidden=frozenset(), seed=0)
        found = made.encoder.encode(pixels, present=present)
        alone = made.encoder.encode(pixels[:1], present=None if present is None else present[:1])

    assert math.isfinite(record.epochs[0].train_loss)
    assert any(not torch.equal(before[key], value) for key, value in made.weights().items())
    assert found.logits.shape == (4,)
    assert found.embeddings.shape == (4, made.network.embedding_width)
    assert np.isfinite(found.embeddings).all()
    # A batch of one; two steps leave some networks with values in the thousands, whose last digits differ by CPU.
    scale = max(1.0, float(np.abs(found.embeddings).max()))
    assert alone.embeddings == pytest.approx(found.embeddings[:1], rel=1e-3, abs=1e-4 * scale)
    assert (found.view_logits is not None) == two
    if two:
        assert (np.isfinite(found.view_logits) == present).all()


@pytest.mark.parametrize("name", ["carnet", "densenet121"])
def test_networks_learn_an_easy_task(name):
    study, unseen = cohort(20, planted=60.0), cohort(20, seed=1, planted=60.0)
    with reproducible(seed=0, threads=1, device=CPU):
        made = trainer(build_network(small(name)[0]), epochs=4, learning_rate=1e-3)
        # 39 images in batches of 2: the single remaining one must not stop batch norm.
        made.fit(study.examples(np.arange(39)), forbidden=frozenset(), seed=0)
        found = made.encoder.encode(unseen.inputs.pixels)
    labels = [unseen.labels[patient] for patient in unseen.inputs.patient_ids]

    assert roc_auc_score(labels, found.logits) > 0.9
    assert np.isfinite(found.embeddings).all()


def test_a_training_that_diverges_is_one_sentence():
    class Mad(TinyNet):
        def forward(self, x):
            logits, embedding = super().forward(x)
            return logits * torch.nan, embedding

    with pytest.raises(PipelineError, match=r"^the training has diverged: the loss of epoch 1 is nan; lower training"):
        trainer(Mad(None)).fit(cohort().examples(np.arange(8)), forbidden=frozenset(), seed=1)


def test_a_slow_average_still_learns_from_the_first_steps():
    study = cohort(planted=60.0)
    with reproducible(seed=0, threads=1, device=CPU):
        made = trainer(build_network(small("carnet")[0]), epochs=4, learning_rate=1e-3, ema_decay=0.99)
        made.fit(study.examples(np.arange(48)), forbidden=frozenset(), seed=0)
        found = made.encoder.encode(study.inputs.pixels)
    labels = [study.labels[patient] for patient in study.inputs.patient_ids]

    assert roc_auc_score(labels, found.logits) > 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_gpu_learns_the_same_easy_task(precision, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    gpu, study, unseen = torch.device("cuda"), cohort(20, planted=60.0), cohort(20, seed=1, planted=60.0)
    with reproducible(seed=0, threads=1, device=gpu, tf32=precision == "tf32"):
        made = Trainer(
            build_network(small("carnet")[0]),
            params=training_params(epochs=4, learning_rate=1e-3, precision=precision),
            strengths=STRENGTHS,
            normalise="image",
            device=gpu,
            loaders=2,
        )
        made.fit(study.examples(np.arange(40)), forbidden=frozenset(), seed=0)
        found = made.encoder.encode(unseen.inputs.pixels)
    labels = [unseen.labels[patient] for patient in unseen.inputs.patient_ids]

    assert roc_auc_score(labels, found.logits) > 0.9


def test_progressive_learning_schedules_image_size_and_dropout(monkeypatch):
    sides = []

    class Seen(TinyNet):
        def __init__(self):
            super().__init__(None)
            self.dropout = nn.Dropout(0.9)

        def forward(self, x):
            if self.training:
                sides.append((x.shape[-1], self.dropout.p))
            return super().forward(nn.functional.interpolate(x, size=32))

    growing = ProgressiveParams(stages=2, magnitude=(5, 10), mixup_alpha=(0, 0.2), dropout=(0.1, 0.3))
    made = Trainer(
        Seen(),
        params=training_params(epochs=2, batch_size=24),
        strengths=STRENGTHS,
        normalise="image",
        device=CPU,
        progressive=growing,
        train_size_px=64,
    )
    made.fit(cohort().examples(np.arange(48)), forbidden=frozenset(), seed=0)

    assert sides == [(48, 0.1), (48, 0.1), (64, 0.3), (64, 0.3)]


def test_a_network_of_views_is_trained_on_each_view_too():
    class TwoViews(nn.Module):
        embedding_width, auxiliary_weight = 2, 1.0

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(32 * 32, 1)

        def forward(self, x, present):
            views = self.layer(x[:, :, 0].flatten(2)).squeeze(2).where(present, torch.nan)
            return views.new_zeros(len(x)), views.nan_to_num(), views, views.unsqueeze(2)

    study = cohort()
    inputs = paired(study.inputs, views=("long", "trans"))
    examples = replace(study, inputs=inputs).examples(np.arange(24))
    examples.present[0, 1] = False
    made = trainer(TwoViews(), epochs=20)
    losses = [epoch.train_loss for epoch in made.fit(examples, forbidden=frozenset(), seed=0).epochs]

    assert losses[-1] < losses[0]  # only the views' own logits can have been learned
    assert made.encoder.encode(examples.pixels, present=examples.present).view_logits.shape == (24, 2)


def test_dropout_is_set_in_every_layer():
    network = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)))
    set_dropout(network, rate=None)
    assert (network[0].p, network[1][1].p) == (0.5, 0.1)

    set_dropout(network, rate=0.0)
    assert (network[0].p, network[1][1].p) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("own", "changed"),
    [
        ({"unfreeze": "none"}, {"head"}),
        ({"unfreeze": "last_stage", "head_epochs": 1, "layer_decay": 0.5}, {"head", "last"}),
        ({}, {"head", "last", "first"}),
    ],
)
def test_a_backbone_is_trained_where_it_is_unfrozen(own, changed):
    settings = BackboneParams.model_validate({"model": "test_resnet", "weights": {"source": "none"}, **own})
    study = cohort(8, planted=60.0)
    with reproducible(seed=0, threads=1, device=CPU):
        network = build_network(Network(name="mine", architecture=TIMM, settings=settings))
        made = trainer(network, epochs=2, batch_size=4)
        before = made.weights()
        made.fit(study.examples(np.arange(16)), forbidden=frozenset(), seed=0)
    moved = {key for key, value in made.weights().items() if not torch.equal(value, before[key])}

    assert ("head.weight" in moved) == ("head" in changed)
    assert any(key.startswith("backbone.layer4") for key in moved) == ("last" in changed)
    assert any(key.startswith("backbone.conv1") for key in moved) == ("first" in changed)
