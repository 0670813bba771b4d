"""The light of the habitats: green on the stage's own clusters, red if they were fitted on all patients."""

from dataclasses import replace
from pathlib import Path

import pytest
from planted_habitats import SPREAD, planted_habitats, run_stage, write_tables

from pipeline.contracts.data.habitat import read_clusterings, write_clustering
from pipeline.foundation.params import load_params
from pipeline.habitat.clusterings import clusterings_of
from pipeline.habitat.fits import fits_of
from pipeline.habitat.params import HabitatParams
from pipeline.selftest.habitat_clusters import habitat_check, same_clusters

SEED = 2026


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished study, its flags, and its clusterings."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("habitat")
        patch.setenv("FUSION_WORKERS", "1")
        patch.setenv("FUSION_SCRATCH", str(folder / "scratch"))
        study = planted_habitats(folder, n=16, folds=2)
        write_tables(study, sets={"one": ["habitat"]})
        regions = run_stage(folder) / "regions"
    flags = {"fusion": "fusion.yaml", "habitat": "habitat.yaml", "table": "rois.csv", "predicted": "predicted.csv"}
    given = {name: folder / path for name, path in flags.items()} | {"rois": folder / "rois", "regions": regions}
    return study, given, read_clusterings(regions / "clusters")


def light(made, clusters=()):
    """The light with these clusterings in the place of the stage's own."""
    study, given, own = made
    folder: Path = given["regions"] / "clusters"
    for one in (*own.values(), *clusters):
        write_clustering(one, folder)
    return habitat_check(given, splits=study.splits, seed=SEED, spread=SPREAD)


def on_all_patients(made):
    """Clusters of `final` fitted on every patient, on a card that claims the training patients."""
    study, given, own = made
    (fit,) = [one for one in fits_of(study.splits, parts=("all",)) if one.resample == "final"]
    everyone = replace(fit, trained=fit.labelled)
    params = load_params(given["habitat"], HabitatParams)
    (leaky,) = clusterings_of([everyone], lesions=study.lesions(), params=params, seed=SEED, spread=SPREAD)
    return leaky, replace(leaky, trained_ids_sha256=own["final", "all"].trained_ids_sha256)


def test_clusters_of_the_training_patients_are_green(made):
    check = light(made)

    assert (check.check, check.light, check.value, check.limit) == ("habitat_clusters", "green", 0, 0)


def test_clusters_fitted_on_all_patients_are_red_with_an_honest_or_a_false_card(made):
    honest, false_card = on_all_patients(made)

    assert [(one.light, one.value) for one in (light(made, [honest]), light(made, [false_card]))] == [("red", 1)] * 2


def test_a_fold_of_other_patients_or_without_clusters_is_red(made):
    _, given, own = made

    assert light(made, [replace(own["cv-1-1", "all"], trained_ids_sha256="0" * 64)]).value == 1
    assert light(made).value == 0
    path = given["regions"] / "clusters" / "cv-1-2_all.json"
    content = path.read_text()
    path.unlink()
    assert habitat_check(given, splits=made[0].splits, seed=SEED, spread=SPREAD).value == 1
    path.write_text(content)


def test_a_study_without_habitats_is_grey_and_reads_nothing(tmp_path):
    (tmp_path / "fusion.yaml").write_text("{sets: {one: [clinical]}, match_parts: true}")

    check = habitat_check({"fusion": tmp_path / "fusion.yaml"}, splits=None, seed=1, spread=SPREAD)

    assert (check.light, check.value) == ("grey", None)


def test_the_tolerance_is_rounding(made):
    one = made[2]["final", "all"]
    moved = [replace(one, means=(one.means[0] + step, *one.means[1:])) for step in (1e-11, 1e-6)]

    assert [same_clusters(one, other) for other in moved] == [True, False]
    assert not same_clusters(one, replace(one, weights=(1.0, 0.0)))
