"""A study small enough for tests: noise images, a network of one layer that memorises them, splits by hand."""

import numpy as np
import pandas as pd
from torch import nn

from pipeline.embed.case_store import embed_cases
from pipeline.embed.strategy import plan_jobs
from pipeline.embed.work_plan import Cohort, Member, Place, Plan, Recipe, cases_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.params import Params
from pipeline.networks.inputs import RoiInputs
from pipeline.networks.params import InputParams
from pipeline.networks.registry import Architecture, Network
from pipeline.networks.weights import WeightsParams
from pipeline.training.params import AugmentationParams, TrainingParams

SIZE_PX = 32
NO_CHANGE = AugmentationParams(
    scale=0, rotation_deg=0, shift=0, shear_deg=0, flip=0, contrast=0, brightness=0, noise_sd=0
)
STOPPING = {"enabled": False, "patience_epochs": 3, "validation_fraction": 0.2, "min_events": 10}


class TinyParams(Params):
    """Settings of the one-layer network."""

    weights: WeightsParams = WeightsParams(source="none")


class TinyNet(nn.Module):
    """Every pixel has a weight: with more pixels than images it memorises any labels."""

    embedding_width = 4

    def __init__(self, _settings):
        super().__init__()
        self.layer = nn.Linear(SIZE_PX * SIZE_PX, 4)
        self.fc = nn.Linear(4, 1)

    def forward(self, x):
        embedding = self.layer(x[:, 0].flatten(1))
        return self.fc(embedding).squeeze(1), embedding


TINY = Network(
    name="tiny",
    architecture=Architecture(build=TinyNet, last_features="layer", head="fc."),
    settings=TinyParams(),
)


def training_params(**changes):
    given = {
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 0.01,
        "warm_up_epochs": 0,
        "schedule": "constant",
        "weight_decay": 0.0,
        "class_weights": "balanced",
        "precision": "float32",
        "torch_threads": 1,
        "early_stopping": STOPPING,
    }
    return TrainingParams.model_validate(given | changes)


def input_params(**changes):
    given = {
        "image_size_px": SIZE_PX,
        "margin_px": 0,
        "resize": "stretch",
        "slice_rule": "largest",
        "window": None,
        "normalise": "auto",
    }
    return InputParams.model_validate(given | changes)


def recipe(strategy="crossfit", *, augmentation=NO_CHANGE, keep_weights="final", **training):
    return Recipe(
        strategy=strategy,
        trained_on="unknown",
        keep_weights=keep_weights,
        input=input_params(),
        training=training_params(**training),
        augmentation=augmentation,
        seed=7,
    )


def plan(strategy="crossfit", *, study=None, network=TINY, **changes):
    """The tiny network, or the given one, on the tiny study."""
    member = Member(network=network, recipe=recipe(strategy, **changes), cohort=study or cohort())
    return Plan(name=network.name, members=(member,), settings=network.settings)


def embedded(strategy, folder, *, study=None, workers=1, table=None, made=None, **changes):
    """The results of all cases of the tiny network, or of the plan `made`; checkpoints are kept in `folder`."""
    made = made or plan(strategy, study=study, **changes)
    jobs = plan_jobs(splits() if table is None else table, strategy=strategy)
    cases = cases_of(jobs, cohort=made.cohort, batch_size=made.recipe.training.batch_size)
    store = CheckpointStore(folder / "embed", key="k")
    place = Place(device="cpu")
    return list(embed_cases(cases, plan=made, store=store, place=place, workers=workers, scheduler=None))


def cohort(n_patients=24, *, seed=0, planted=0.0):
    """Two images per patient (views long and trans), every third patient with the event, grey noise.

    `planted`: grey levels by which images of patients with the event have a brighter left half.
    """
    rng = np.random.default_rng(seed)
    patients = [f"P{number:03d}" for number in range(n_patients)]
    labels = {patient: int(number % 3 == 0) for number, patient in enumerate(patients)}
    grey = rng.uniform(60, 180, size=(2 * n_patients, SIZE_PX, SIZE_PX))
    for row in range(2 * n_patients):
        grey[row, :, : SIZE_PX // 2] += planted * labels[patients[row // 2]]
    inputs = RoiInputs(
        image_ids=tuple(f"{patient}_{view}" for patient in patients for view in ("long", "trans")),
        patient_ids=tuple(patient for patient in patients for _ in range(2)),
        views=("long", "trans") * n_patients,
        pixels=grey.clip(0, 255).astype(np.uint8)[:, None],
    )
    return Cohort(inputs=inputs, labels=labels, groups={patient: f"G{patient}" for patient in patients})


def splits(n_patients=24, *, folds=2):
    """Two-fold cv on the first two thirds of the patients; the rest are half internal, half external."""
    patients = [f"P{number:03d}" for number in range(n_patients)]
    n_train = 2 * n_patients // 3
    train, test = patients[:n_train], patients[n_train:]
    rows = []
    for fold in range(folds):
        held = {patient for number, patient in enumerate(train) if (number // 3) % folds == fold}
        rows += _rows(f"cv-1-{fold + 1}", [p for p in train if p not in held], dict.fromkeys(sorted(held), "cv"))
    roles = {patient: "internal" if number % 2 else "external" for number, patient in enumerate(test)}
    rows += _rows("final", train, roles)
    return pd.DataFrame(rows, columns=["resample", "patient_id", "role", "half"])


def _rows(resample, train, test):
    halves = [(resample, patient, "train", "ab"[(number // 3) % 2]) for number, patient in enumerate(train)]
    return halves + [(resample, patient, role, None) for patient, role in test.items()]
