"""The tables of embeddings: every lesion image embedded by a network that was never trained on that patient."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.contracts.data.embed import (
    EMBEDDINGS,
    IN_CSV,
    LOGIT,
    NO_FILES,
    PATIENT_EMBEDDINGS,
    SUFFIX,
    write_embeddings,
)
from pipeline.embed.cards import write_card, write_losses
from pipeline.embed.cases import EmbeddedCase
from pipeline.embed.work_plan import Plan
from pipeline.foundation.tables import Contract, write_csv, write_table


def contract_of(plan: Plan) -> Contract:
    """The contract of the network's embeddings: by image, or by patient for a network of several views."""
    return EMBEDDINGS if plan.cohort.inputs.present is None else PATIENT_EMBEDDINGS


def embeddings_table(results: Sequence[EmbeddedCase], *, plan: Plan) -> pd.DataFrame:
    """One row per resample, part and image; columns `<net>_0000` … in float32.

    A network of several views embeds patients: one row per resample, part and patient, the mean over the patient's
    pairs.
    """
    matrix = np.concatenate([result.embeddings for result in results])
    names = [f"{plan.name}_{index:04d}" for index in range(matrix.shape[1])]
    return _by_row(results, pd.DataFrame(matrix, columns=names), plan=plan)


def logits_table(results: Sequence[EmbeddedCase], *, plan: Plan) -> pd.DataFrame:
    """`features/<net>_logit.csv`: the rows of `embeddings_table`, with the logit of the network's head, `<net>_logit`.

    Networks that are trained separately have a column each, since a logistic regression of them would be fitted on rows
    that it also predicts. Header only for a frozen network, which has no trained head.
    """
    trained = [result for result in results if result.case.job.trained]
    names = [f"{member.network.name}{LOGIT}" for member in plan.members]
    matrix = np.concatenate([np.empty((0, len(names))), *(result.logits for result in trained)])
    return _by_row(trained, pd.DataFrame(matrix, columns=names), plan=plan)


def set_aside(result: EmbeddedCase, *, plan: Plan, folder: Path) -> EmbeddedCase:
    """Write the embeddings of a result to `folder`, and return it without them; one that belongs in the CSV is returned
    as it is. So the embeddings of all resamples are never in memory at once.

    Raises as `write_embeddings`.
    """
    if result.case.job.resample in IN_CSV:
        return result
    write_embeddings(embeddings_table([result], plan=plan), folder)
    # Not a slice, which would keep the whole array.
    return replace(result, embeddings=np.empty((0, result.embeddings.shape[1]), dtype=np.float32), view_embeddings=None)


def note_no_files(folder: Path) -> None:
    """Write a note into `folder` if `set_aside` wrote nothing there, as for a frozen network."""
    if not any(folder.glob(f"*{SUFFIX}")):
        note = "The network has no other resample than that of its CSV.\n"
        (folder / NO_FILES).write_text(note, encoding="utf-8")


def write_features(results: Sequence[EmbeddedCase], *, plan: Plan, features: Path, logits: Path) -> None:
    """Write `features/<net>.csv`, the resample that people open, and `features/<net>_logit.csv`, all resamples."""
    opened = [result for result in results if result.case.job.resample in IN_CSV]
    write_table(embeddings_table(opened, plan=plan), features, contract_of(plan))
    write_table(logits_table(results, plan=plan), logits, contract_of(plan))


def _by_row(results: Sequence[EmbeddedCase], numbers: pd.DataFrame, *, plan: Plan) -> pd.DataFrame:
    inputs, keys = plan.cohort.inputs, list(contract_of(plan).key)
    has_views = inputs.present is not None
    ids = inputs.patient_ids if has_views else inputs.image_ids
    rows = [(found.case.job.resample, found.case.job.part, ids[row]) for found in results for row in found.case.rows]
    table = pd.concat([pd.DataFrame(rows, columns=keys), numbers], axis=1)
    return table.groupby(keys, as_index=False).mean() if has_views else table


def view_embeddings_table(results: Sequence[EmbeddedCase], *, plan: Plan) -> pd.DataFrame | None:
    """The embedding of each view of each patient: one row per resample, part, patient and view that exists.

    None for a network without views (or one that fuses them at its input).
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


def write_network(results: Sequence[EmbeddedCase], *, plan: Plan, folder: Path) -> None:
    """One card per network (and its weights if kept), the losses of all, and the embeddings of single views in the
    resample of the CSV.
    """
    for result in results:
        if result.case.chunk == 0:
            write_card(result.card, weights=result.weights, folder=folder, name=result.case.job.name)
    write_losses([row for result in results for row in result.losses], folder=folder)
    opened = [result for result in results if result.case.job.resample in IN_CSV]
    views = view_embeddings_table(opened, plan=plan)
    if views is not None:
        write_csv(views, folder / "views.csv")
