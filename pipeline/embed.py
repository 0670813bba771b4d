"""Describe every lesion image by a network that was never trained on its patient."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from pipeline.augmentation import AugmentationParams
from pipeline.checkpoints import CheckpointStore, code_hash, fingerprint, package_versions
from pipeline.embed_cases import Case, Cohort, Described, Network, Recipe, describe_case, load_described, save_described
from pipeline.embed_jobs import Job, Strategy
from pipeline.errors import ParamsError
from pipeline.head_scores import head_predictions, patient_scores
from pipeline.networks.cards import write_card, write_losses
from pipeline.networks.carnet import CarNetParams
from pipeline.networks.densenet import FLAT_SIZE_PX, DenseNet121Params
from pipeline.networks.registry import ARCHITECTURES, is_fully_trained
from pipeline.networks.settings import NetworkParams
from pipeline.networks.vit import VitParams
from pipeline.parallel import map_cases
from pipeline.params import Params, ThresholdParams
from pipeline.roi_inputs import InputParams, RoiInputs
from pipeline.training import TrainingParams

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "SimpleITK")
FROZEN_CHUNK = 16  # batches in one case of a frozen network, so that many cases can run side by side


class EmbedParams(Params):
    """`params/embed.yaml`: which networks, how they are trained, and on what."""

    nets: tuple[str, ...] = Field(min_length=1)
    strategy: Strategy
    trained_on: Literal["other_patients", "unknown"]
    keep_weights: Literal["final", "all"]
    input: InputParams
    training: TrainingParams
    augmentation: AugmentationParams
    alexnet: NetworkParams
    carnet: CarNetParams
    densenet121: DenseNet121Params
    inception3: NetworkParams
    resnet50: NetworkParams
    vit: VitParams

    @model_validator(mode="after")
    def _known_networks(self) -> Self:
        if set(self.nets) - set(ARCHITECTURES) or len(set(self.nets)) != len(self.nets):
            allowed = ", ".join(sorted(ARCHITECTURES))
            raise ValueError(f"key 'nets' has the value {list(self.nets)}: allowed are {allowed}, each at most once")
        return self

    @model_validator(mode="after")
    def _frozen_networks_are_trained(self) -> Self:
        for net in self.nets:
            if self.strategy == "frozen" and not is_fully_trained(ARCHITECTURES[net], getattr(self, net)):
                raise ValueError(
                    f"key 'strategy' has the value 'frozen', but {net} would hold randomly initialised weights, which "
                    f"describe nothing; name a file of the whole network in {net}.weights, or use crossfit"
                )
        return self

    @model_validator(mode="after")
    def _size_fits_the_network(self) -> Self:
        flat = "densenet121" in self.nets and self.densenet121.layer == "last_conv_flat1568"
        size = self.input_of("densenet121").image_size_px
        if flat and size != FLAT_SIZE_PX:
            raise ValueError(
                f"key 'input.image_size_px' has the value {size}: densenet121.layer "
                f"last_conv_flat1568 needs {FLAT_SIZE_PX}"
            )
        for net in self.nets:
            size, least = self.input_of(net).image_size_px, ARCHITECTURES[net].least_size_px
            if size < least:
                raise ValueError(
                    f"key 'input.image_size_px' has the value {size}: {net} needs {least} or more; "
                    f"set {net}.image_size_px"
                )
        return self

    def input_of(self, net: str) -> InputParams:
        """The input of a network: that of all, in the network's own size where it has one."""
        size = getattr(self, net).image_size_px
        return self.input if size is None else self.input.model_copy(update={"image_size_px": size})


def network_of(params: EmbedParams, net: str) -> Network:
    """The network `net` with its settings. Raises ParamsError where the params do not list it."""
    if net not in params.nets:
        raise ParamsError(f"network {net} is not among nets ({', '.join(params.nets)}); add it there first")
    return Network(name=net, architecture=ARCHITECTURES[net], settings=getattr(params, net))


def recipe_of(params: EmbedParams, *, net: str, seed: int) -> Recipe:
    """What a case of the network `net` needs of the params."""
    return Recipe(
        strategy=params.strategy,
        trained_on=params.trained_on,
        keep_weights=params.keep_weights,
        input=params.input_of(net),
        training=params.training,
        augmentation=params.augmentation,
        seed=seed,
    )


def cohort_of(patients: pd.DataFrame, *, inputs: RoiInputs) -> Cohort:
    """The images with the labels and groups of the patients table."""
    ids = list(patients["patient_id"])
    return Cohort(
        inputs=inputs,
        labels=dict(zip(ids, (int(label) for label in patients["label"]), strict=True)),
        groups=dict(zip(ids, patients["group_id"], strict=True)),
    )


def cases_of(jobs: Sequence[Job], *, cohort: Cohort, batch_size: int) -> list[Case]:
    """One case a trained network; a frozen network's images in chunks of whole batches, whatever the workers."""
    cases = []
    for job in jobs:
        rows = cohort.inputs.rows_of(job.described)
        size = len(rows) if job.trained else FROZEN_CHUNK * batch_size
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        cases += [Case(job=job, rows=chunk, chunk=number) for number, chunk in enumerate(chunks)]
    return cases


def store_key(params: EmbedParams, *, net: str, cohort: Cohort, splits: pd.DataFrame, seed: int, device: str) -> str:
    """The name of a store of cases: a hash of all that a case depends on."""
    chosen = params.model_dump(mode="json", exclude={"nets"})
    inputs = fingerprint(cohort.sha256(), splits.to_csv(index=False))
    return fingerprint(inputs, chosen, net, seed, device, code_hash(), package_versions(PACKAGES))


def describe(
    cases: Sequence[Case],
    *,
    network: Network,
    recipe: Recipe,
    cohort: Cohort,
    store: CheckpointStore,
    workers: int,
    scheduler: str | None,
    device: str,
) -> Iterator[Described]:
    """Yield what each case gives: those in `store` first, then the others as they are done, which are stored.

    On a GPU (`device` is not cpu) the cases run one after another in this process.
    """
    missing = []
    for case in cases:
        stored = load_described(store, case)
        if stored is None:
            missing.append(case)
        else:
            yield stored
    missing.sort(key=lambda case: -len(case.job.trained))  # the longest first, so that no worker is left waiting
    work = partial(describe_case, network=network, recipe=recipe, cohort=cohort, device=device)
    here = device != "cpu"
    for described in map_cases(work, missing, workers=1 if here else workers, scheduler=None if here else scheduler):
        save_described(store, described)
        yield described


def ran_all_epochs(results: Sequence[Described], *, training: TrainingParams) -> str | None:
    """A sentence where early stopping is asked for and networks had too few events to hold any out, else None."""
    trained = [result for result in results if result.case.job.trained]
    few = [result for result in trained if result.card["n_validation_patients"] == 0]
    if not training.early_stopping.enabled or not few:
        return None
    return (
        f"{len(few)} of {len(trained)} networks ran all {training.epochs} epochs: the part held out for early stopping "
        f"would have fewer than {training.early_stopping.min_events} events (early_stopping in params/embed.yaml)"
    )


def embeddings_table(results: Sequence[Described], *, net: str, cohort: Cohort) -> pd.DataFrame:
    """`features/<net>.csv`: one row a resample, part and image; columns `<net>_0000` … in float32."""
    keys = pd.DataFrame(
        [
            (result.case.job.resample, result.case.job.part, cohort.inputs.image_ids[row])
            for result in results
            for row in result.case.rows
        ],
        columns=["resample", "part", "image_id"],
    )
    matrix = np.concatenate([result.embeddings for result in results])
    names = [f"{net}_{index:04d}" for index in range(matrix.shape[1])]
    return pd.concat([keys, pd.DataFrame(matrix, columns=names)], axis=1)


def predictions_table(
    results: Sequence[Described], *, net: str, cohort: Cohort, splits: pd.DataFrame, rule: ThresholdParams
) -> pd.DataFrame:
    """`predictions/<net>_head.csv`; header only for a frozen network, which has no head."""
    scores: dict[str, list[pd.Series]] = {}
    for result in sorted(results, key=lambda result: result.case.job.name):
        job, rows = result.case.job, result.case.rows
        if not job.scored:
            continue
        scores.setdefault(job.resample, []).append(
            patient_scores(
                result.probabilities,
                patients=[cohort.inputs.patient_ids[row] for row in rows],
                views=[cohort.inputs.views[row] for row in rows],
                prevalence=result.card["prevalence"],
                scored=sorted(job.scored),
            )
        )
    return head_predictions(scores, net=net, splits=splits, labels=cohort.labels, rule=rule)


def write_network(results: Sequence[Described], *, folder: Path) -> None:
    """One card a network (and its weights where they are kept), and the losses of all."""
    for result in results:
        if result.case.chunk == 0:
            write_card(result.card, weights=result.weights, folder=folder, name=result.case.job.name)
    write_losses([row for result in results for row in result.losses], folder=folder)
