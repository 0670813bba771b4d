"""Describe every lesion image by a network that was never trained on its patient."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.embed import EMBEDDINGS, LOGIT, PATIENT_EMBEDDINGS
from pipeline.embed.cards import write_card, write_losses
from pipeline.embed.cases import Described, describe_case, load_described, save_described, state_of
from pipeline.embed.heads import head_predictions, patient_scores
from pipeline.embed.params import EmbedParams, network_of
from pipeline.embed.strategy import Job
from pipeline.embed.view_pairs import paired
from pipeline.embed.work_plan import Case, Cohort, Member, Place, Plan, Recipe
from pipeline.foundation.checkpoints import CheckpointStore, code_hash, fingerprint, package_versions
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import ThresholdParams
from pipeline.foundation.tables import Contract, write_csv
from pipeline.networks.inputs import InputParams, RoiInputs
from pipeline.training import data_parallel
from pipeline.training.trainer import TrainingParams

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "SimpleITK")
FROZEN_CHUNK = 16  # batches in one case of a frozen network, so that many cases can run side by side


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


def plan_of(
    params: EmbedParams,
    *,
    net: str,
    seed: int,
    patients: pd.DataFrame,
    read: Callable[..., RoiInputs],
) -> Plan:
    """The networks behind `net`, each with the images as it sees them; `read(params=…)` gives the images of an input.

    Raises ParamsError where the params do not list it, CohortError where a network of views finds none of a view.
    """
    network_of(params, net)
    members, sizes = [], dict[InputParams, RoiInputs]()
    for member in params.members_of(net):
        recipe = recipe_of(params, net=member.name, seed=seed)
        if recipe.input not in sizes:
            sizes[recipe.input] = read(params=recipe.input)
        inputs = sizes[recipe.input]
        if member.architecture.has_views:
            inputs = paired(inputs, views=member.settings.views)
        members.append(Member(network=member, recipe=recipe, cohort=cohort_of(patients, inputs=inputs)))
    settings = getattr(params, net)
    late = getattr(settings, "combine", None) == "late"
    return Plan(name=net, members=tuple(members), settings=settings, combine="late" if late else "mean")


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


def store_key(params: EmbedParams, *, plan: Plan, splits: pd.DataFrame, device: str) -> str:
    """The name of a store of cases: a hash of all that a case depends on."""
    chosen = params.model_dump(mode="json", exclude={"nets"})
    inputs = fingerprint(*(member.cohort.sha256() for member in plan.members), splits.to_csv(index=False))
    return fingerprint(inputs, chosen, plan.name, plan.recipe.seed, device, code_hash(), package_versions(PACKAGES))


def describe(
    cases: Sequence[Case],
    *,
    plan: Plan,
    store: CheckpointStore,
    place: Place,
    workers: int,
    scheduler: str | None,
) -> Iterator[Described]:
    """Yield what each case gives: those in `store` first, then the others as they are done, which are stored.

    On a GPU, and where several processes share a batch, the cases run one after another in this process, and `workers`
    processes load its images.
    """
    missing = []
    for case in cases:
        stored = load_described(store, case)
        if stored is None:
            missing.append(case)
        else:
            yield stored
    missing.sort(key=lambda case: -len(case.job.trained))  # the longest first, so that no worker is left waiting
    here = place.device != "cpu" or data_parallel.size() > 1
    place = replace(place, store=store, loaders=workers if here and place.device != "cpu" else 0)
    work = partial(describe_case, plan=plan, place=place)
    for described in map_cases(work, missing, workers=1 if here else workers, scheduler=None if here else scheduler):
        if data_parallel.rank() == 0:
            save_described(store, described)
            for member in plan.members:
                state_of(described.case, network=member.network.name, store=store).remove()
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


def contract_of(plan: Plan) -> Contract:
    """The contract of the network's embeddings: by image, or by patient for a network of several views."""
    return EMBEDDINGS if plan.cohort.inputs.present is None else PATIENT_EMBEDDINGS


def embeddings_table(results: Sequence[Described], *, plan: Plan) -> pd.DataFrame:
    """`features/<net>.csv`: one row a resample, part and image; columns `<net>_0000` … in float32.

    A network of several views describes patients: one row a resample, part and patient, the mean over the patient's
    pairs.
    """
    matrix = np.concatenate([result.embeddings for result in results])
    names = [f"{plan.name}_{index:04d}" for index in range(matrix.shape[1])]
    return _by_row(results, pd.DataFrame(matrix, columns=names), plan=plan)


def logits_table(results: Sequence[Described], *, plan: Plan) -> pd.DataFrame:
    """`features/<net>_logit.csv`: the rows of `embeddings_table`, with the network's own logit `<net>_logit`.

    Of networks that are trained apart each has its column, since a logistic regression of them would be fitted on rows
    it describes. Header only for a frozen network, which has no logit of its own.
    """
    trained = [result for result in results if result.case.job.trained]
    names = [f"{member.network.name}{LOGIT}" for member in plan.members]
    matrix = np.concatenate([np.empty((0, len(names))), *(result.logits for result in trained)])
    return _by_row(trained, pd.DataFrame(matrix, columns=names), plan=plan)


def _by_row(results: Sequence[Described], numbers: pd.DataFrame, *, plan: Plan) -> pd.DataFrame:
    inputs, keys = plan.cohort.inputs, list(contract_of(plan).key)
    has_views = inputs.present is not None
    ids = inputs.patient_ids if has_views else inputs.image_ids
    rows = [(found.case.job.resample, found.case.job.part, ids[row]) for found in results for row in found.case.rows]
    table = pd.concat([pd.DataFrame(rows, columns=keys), numbers], axis=1)
    return table.groupby(keys, as_index=False).mean() if has_views else table


def view_embeddings_table(results: Sequence[Described], *, plan: Plan) -> pd.DataFrame | None:
    """The vector of each view of each patient, one row a resample, part, patient and view that is there.

    None for a network without views (or one that mixes them at once).
    """
    inputs, views = plan.cohort.inputs, getattr(plan.settings, "views", ())
    tables = []
    for result in results:
        if result.view_embeddings is None or inputs.present is None:
            continue
        for number, view in enumerate(views):
            there = inputs.present[result.case.rows, number]
            vectors = result.view_embeddings[there, number]
            names = [f"{plan.name}_{index:04d}" for index in range(vectors.shape[1])]
            table = pd.DataFrame(vectors, columns=names)
            job = result.case.job
            table.insert(0, "patient_id", [inputs.patient_ids[row] for row in result.case.rows[there]])
            table.insert(0, "view", view)
            table.insert(0, "part", job.part)
            table.insert(0, "resample", job.resample)
            tables.append(table)
    if not tables:
        return None
    keys = ["resample", "part", "patient_id", "view"]
    return pd.concat(tables, ignore_index=True).groupby(keys, as_index=False).mean()


def predictions_table(
    results: Sequence[Described], *, plan: Plan, splits: pd.DataFrame, rule: ThresholdParams
) -> pd.DataFrame:
    """`predictions/<net>_head.csv`: the network's own probability, and that of each of its views where it has some.

    Models `<net>_head` and `<net>_head_<view>`; header only for a frozen network, which has no head.
    """
    heads = {f"{plan.name}_head": [found.probabilities for found in results]}
    for number, view in enumerate(getattr(plan.settings, "views", ())):
        of_view = [found.view_probabilities for found in results if found.view_probabilities is not None]
        if of_view:
            heads[f"{plan.name}_head_{view}"] = [found[:, number] for found in of_view]
    tables = [
        _head(results, probabilities, model=model, plan=plan, splits=splits, rule=rule)
        for model, probabilities in heads.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _head(
    results: Sequence[Described],
    probabilities: Sequence[NDArray[np.float64]],
    *,
    model: str,
    plan: Plan,
    splits: pd.DataFrame,
    rule: ThresholdParams,
) -> pd.DataFrame:
    inputs = plan.cohort.inputs
    scores: dict[str, list[pd.Series]] = {}
    pairs = sorted(zip(results, probabilities, strict=True), key=lambda pair: pair[0].case.job.name)
    for result, own in pairs:
        # A view that a patient lacks has no probability; nothing else can lack one (see describe_case).
        job, there = result.case.job, ~np.isnan(own)
        if not job.scored:
            continue
        rows = result.case.rows[there]
        scores.setdefault(job.resample, []).append(
            patient_scores(
                own[there],
                patients=[inputs.patient_ids[row] for row in rows],
                views=[inputs.views[row] for row in rows],
                prevalence=result.card["prevalence"],
                scored=sorted(job.scored),
            )
        )
    return head_predictions(
        scores, feature_set=plan.name, model=model, splits=splits, labels=plan.cohort.labels, rule=rule
    )


def write_network(results: Sequence[Described], *, plan: Plan, folder: Path) -> None:
    """One card a network (and its weights where they are kept), the losses of all, and the vectors of single views."""
    for result in results:
        if result.case.chunk == 0:
            write_card(result.card, weights=result.weights, folder=folder, name=result.case.job.name)
    write_losses([row for result in results for row in result.losses], folder=folder)
    views = view_embeddings_table(results, plan=plan)
    if views is not None:
        write_csv(views, folder / "views.csv")
