"""Progress of unfinished trainings: by the epochs of each, without those of an earlier run."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.embed.progress import curves_folder, forget_earlier, state_path, under_way
from pipeline.embed.strategy import Job
from pipeline.embed.work_plan import Case
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.training.board import TrainingBoard

JOB = Job(resample="final", part="a", trained=frozenset("1"), embedded=frozenset("2"), scored=frozenset())
CASES = [Case(job=replace(JOB, part=part), rows=np.array([0])) for part in "abc"]
TWO = [SimpleNamespace(network=SimpleNamespace(name=name)) for name in ("carnet", "penet")]
PLAN = SimpleNamespace(members=TWO, recipe=SimpleNamespace(training=SimpleNamespace(epochs=5)))


def trained(board, case, *, network, epochs):
    curves = TrainingBoard(curves_folder(board, case=case, network=network), resumed_after=0)
    for epoch in range(1, epochs + 1):
        curves.add({"loss/train": 0.5}, epoch=epoch)
    curves.close()


def test_epochs_of_unfinished_trainings_count_in_proportion(tmp_path):
    board, store = tmp_path / "board", CheckpointStore(tmp_path / "store", key="k")
    assert under_way(CASES, plan=PLAN, board=board, store=store) == 0

    trained(board, CASES[0], network="carnet", epochs=5)
    trained(board, CASES[0], network="penet", epochs=1)
    trained(board, CASES[1], network="carnet", epochs=2)
    assert under_way(CASES, plan=PLAN, board=board, store=store) == pytest.approx(6 / 10 + 2 / 10)

    store.save(CASES[0].name, {})  # finished: counted by its result
    assert under_way(CASES, plan=PLAN, board=board, store=store) == pytest.approx(2 / 10)


def test_curves_of_an_earlier_run_are_removed_and_those_to_resume_are_kept(tmp_path):
    board, store = tmp_path / "board", CheckpointStore(tmp_path / "store", key="k")
    for case in CASES:
        trained(board, case, network="carnet", epochs=3)
    store.save(CASES[0].name, {})
    state_path(store, case=CASES[1], network="carnet").write_bytes(b"")
    forget_earlier(CASES, plan=PLAN, board=board, store=store)

    kept = [curves_folder(board, case=case, network="carnet").exists() for case in CASES]
    assert kept == [True, True, False]
    assert json.loads(store.path(CASES[0].name).read_text()) == {}
