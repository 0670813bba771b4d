"""Stages on a Dask cluster of two worker processes: the bytes that one process writes, and nothing computed here."""

import contextlib
import importlib
import shutil
from unittest.mock import patch

import pytest
from any_run import AnyRun, some
from distributed import LocalCluster
from tiny_study import plan, splits

from pipeline.embed.case_store import embed_cases
from pipeline.embed.embeddings import embeddings_table, logits_table
from pipeline.embed.strategy import plan_jobs
from pipeline.embed.work_plan import Place, cases_of
from pipeline.foundation import parallel
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.selftest.sham_labels import shuffles

STAGES = ("radiomics", "agreement", "reduce", "benchmark", "selftest")
PARAMS = {
    "agreement": {"images": 10},
    "cohort": {"near_duplicates": "off"},
    "compare": {"primary": None},
    "fusion": {"sets": {"combined": ["clinical", "radiomics"]}},
    "radiomics": {"verify": 1},
    "selftest": {"control_voxels": 150_000},
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of two workers that start in a folder of their own, as on another machine, and that folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with (
        pytest.MonkeyPatch.context() as changed,
        LocalCluster(n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None) as made,
    ):
        with contextlib.chdir(elsewhere):
            made.scale(2)
            made.wait_for_workers(2)
        changed.setenv("FUSION_WORKERS", "1")
        changed.setenv("FUSION_DEVICE", "cpu")
        yield made.scheduler_address, elsewhere


@contextlib.contextmanager
def nothing_here():
    """A case computed in this process, or in local ones, is a failure."""

    def refuse(*_, **__):
        raise AssertionError("a case was not sent to the cluster")

    with patch.object(parallel, "_here", refuse), patch.object(parallel, "_in_processes", refuse):
        yield


def content(folder):
    """Every file that stages wrote, by its name."""
    files = [path for name in ("data", "reports") for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def few_shuffles(_, *, sites):
    return shuffles(2, sites=sites)


def run_stages(run):
    """Run all stages after split up to selftest in the folder of the run; the new files of each."""
    found = {}
    with contextlib.chdir(run.folder):
        for stage, words in run.commands():
            if stage in ("cohort", "split", "segment", "crop"):
                continue
            before = content(run.folder)
            with patch("sys.argv", [stage, *words[3:]]), patch("stages.selftest.shuffles", few_shuffles):
                importlib.import_module(f"stages.{stage}").main()
            found[stage] = {name: file for name, file in content(run.folder).items() if name not in before}
            if stage == "selftest":
                break
    return found


@pytest.fixture(scope="module")
def written(cluster, tmp_path_factory):
    """The new files of each stage, by one process and by the cluster."""
    address, _ = cluster
    here, there = (tmp_path_factory.mktemp(name) / "run" for name in ("here", "there"))
    run = AnyRun(here, params=PARAMS, study=some())
    with contextlib.chdir(here):
        run.all(until="radiomics")
    shutil.copytree(here, there)
    one = run_stages(run)
    run.folder = there
    with pytest.MonkeyPatch.context() as changed, nothing_here():
        changed.setenv("FUSION_SCHEDULER", address)
        return one, run_stages(run)


@pytest.mark.parametrize("stage", STAGES)
def test_a_cluster_writes_the_bytes_of_one_process(written, stage):
    one, two = written

    assert one[stage]
    assert list(two[stage]) == list(one[stage])
    assert [name for name, file in one[stage].items() if two[stage][name] != file] == []


def test_workers_write_nothing_into_the_folder_they_start_in(written, cluster):
    assert [path for path in cluster[1].rglob("*") if path.is_file()] == []


def test_networks_trained_on_a_cluster_are_those_of_one_process(cluster, tmp_path):
    made = plan()
    cases = cases_of(plan_jobs(splits(), strategy="crossfit"), cohort=made.cohort, batch_size=8)

    def embedded(name, **how):
        store = CheckpointStore(tmp_path / name, key="k")
        return list(embed_cases(cases, plan=made, store=store, place=Place(device="cpu"), workers=1, **how))

    one = embedded("one", scheduler=None)
    with nothing_here():
        two = embedded("two", scheduler=cluster[0])

    for table in (embeddings_table, logits_table):
        assert table(two, plan=made).to_csv() == table(one, plan=made).to_csv()
