"""Progress of the trainings of a stage, from the folders of their curves, whichever process runs them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.embed.work_plan import Case, Plan
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.training.board import epochs_done


def curves_folder(board: Path, *, case: Case, network: str) -> Path:
    """The folder of the training curves of `network` in this case."""
    return board / f"{case.job.name}_{network}"


def forget_earlier(cases: Sequence[Case], *, plan: Plan, board: Path, store: CheckpointStore) -> None:
    """Remove the curves of trainings that are neither finished nor begun in `store`: those of an earlier run."""
    for case in cases:
        for member in plan.members:
            name = member.network.name
            if not store.path(case.name).exists() and not state_path(store, case=case, network=name).exists():
                shutil.rmtree(curves_folder(board, case=case, network=name), ignore_errors=True)


def state_path(store: CheckpointStore, *, case: Case, network: str) -> Path:
    """The file of the unfinished training of a network of this case."""
    return store.path(f"{case.name} {network}", suffix=".epoch")


def under_way(cases: Sequence[Case], *, plan: Plan, board: Path, store: CheckpointStore) -> float:
    """The work done on unfinished cases, in cases: 1.5 is one and a half (or three halves)."""
    done = sum(
        epochs_done(curves_folder(board, case=case, network=member.network.name))
        for case in cases
        if case.job.trained and not store.path(case.name).exists()
        for member in plan.members
    )
    return done / (plan.recipe.training.epochs * len(plan.members))
