"""agreement.measures: habitats and rings of repeated masks are those of the blocks, on training patients alone."""

import importlib
import json
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from planted_habitats import PARAMS, SMALL, planted_habitats, run_stage, write_tables

from pipeline.agreement.measures import measures_of
from pipeline.contracts.data.agreement import AGREEMENT, REPEATS, repeats_files
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.embed import read_embeddings
from pipeline.contracts.data.habitat import CLUSTERS, read_clusterings
from pipeline.contracts.data.segment import MASKS
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.tables import read_table, write_table
from pipeline.radiomics.features import RadiomicsParams
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import features_block
from pipeline.reduce.reduced import reduce_cases
from pipeline.reduce.repeats import read_repeats
from pipeline.reduce.steps.agreement_filter import AgreementFilter

BLOCKS = ["habitat", "peritumoral"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return planted_habitats(tmp_path_factory.mktemp("planted"), n=40, folds=2)


@pytest.fixture(scope="module")
def folder(study):
    """The study after the stages `habitat` and `agreement`."""
    folder = write_tables(study, sets={"regions": BLOCKS})
    run_stage(folder)
    files = {kind: study.rois[kind] for kind in ("image", "mask")}
    about = dict.fromkeys(["site", "gland_mask", "mask_source", *(f"spacing_{axis}_mm" for axis in "xyz")])
    write_table(study.cohort.assign(**files, **about), folder / "cohort.csv", COHORT)
    write_table(MASKS.empty(), folder / "masks.csv", MASKS)
    (folder / "use.json").write_text(json.dumps({"used": False, "outlines": True}), encoding="utf-8")
    content = read_yaml(ROOT / "params" / "agreement.yaml") | {"images": None, "repeats": 1}
    (folder / "agreement.yaml").write_text(json.dumps(content), encoding="utf-8")
    flags = {
        "params": "agreement.yaml",
        "use": "use.json",
        "images": "rois",
        "masks": "rois",
        "predicted-masks": "none",
    }
    flags |= {name: f"{name}.yaml" for name in ("common", "crop", "radiomics", "habitat", "fusion")}
    flags |= {"cohort": "cohort.csv", "splits": "splits.csv", "predictions": "masks.csv", "regions": "made/regions"}
    flags |= {"repeats": "made/repeats.csv", "table": "made/agreement.csv"}
    words = [word for name, path in flags.items() for word in (f"--{name}", str(folder / path))]
    with patch("sys.argv", ["agreement", *words]):
        importlib.import_module("stages.agreement").main()
    return folder


def trained(study, resample):
    rows = study.splits[(study.splits["resample"] == resample) & (study.splits["role"] == "train")]
    return set(rows["patient_id"])


def test_there_is_a_table_of_the_rings_and_of_each_clustering(folder):
    clusterings = read_clusterings(folder / "made" / "regions" / CLUSTERS)

    found = repeats_files(folder / "made" / "repeats.csv")

    assert len(clusterings) == 3  # final and two folds
    assert set(found) == {
        ("radiomics", "all", "all"),
        ("peritumoral", "all", "all"),
        *(("habitat", *rows) for rows in clusterings),
    }
    assert read_table(folder / "made" / "repeats.csv", REPEATS).empty


def test_the_first_mask_has_the_features_of_its_block(study, folder):
    files = repeats_files(folder / "made" / "repeats.csv")
    blocks = {name: read_embeddings(folder / "made" / f"{name}.csv") for name in BLOCKS}
    for (block, resample, part), path in files.items():
        if block == "radiomics":
            continue
        table = read_table(path, REPEATS)
        first = table[table["repeat"] == "0"].set_index("image_id").drop(columns=["repeat", "status", "reason", "dice"])
        whole = blocks[block].frame(resample, part).loc[first.index]

        assert (table["status"] == "ok").all()
        pd.testing.assert_frame_equal(first, whole, check_names=False, check_index_type=False)


def test_habitats_are_those_of_clusters_fitted_on_the_patient(study, folder):
    for (block, resample, _), path in repeats_files(folder / "made" / "repeats.csv").items():
        measured = set(read_table(path, REPEATS)["image_id"])  # an image has the id of its patient
        if block == "habitat":
            assert measured == trained(study, resample) & trained(study, "final")
        elif block == "peritumoral":
            assert measured == trained(study, "final")


def test_another_contour_gives_other_habitats_and_the_filter_drops_what_follows_it(study, folder):
    table = read_table(folder / "made" / "agreement.csv", AGREEMENT)
    icc = table.set_index(["block", "feature"])["icc"]
    repeats = read_repeats(folder / "made" / "repeats.csv", cohort=folder / "cohort.csv")
    embedded = read_embeddings(folder / "made" / "habitat.csv")
    ids = {"cohort": study.cohort, "patients": study.patients["patient_id"]}
    block = features_block(embedded, name="habitat", **ids)
    params = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
    about = {"patients": study.patients, "splits": study.splits, "parts": ("all",)}

    assert icc["habitat", "habitat_1_fraction"] > 0.8
    for case in reduce_cases([block], **about, repeats=repeats):
        (raw,) = case.blocks
        fitted = AgreementFilter(min_lower_limit=params.agreement.min_lower_limit).fit(raw.repeats)
        kept = fitted.transform(raw.train)
        assert set(raw.repeats.index) <= set(raw.train.index)
        assert kept.shape[1] < raw.train.shape[1]
        assert "habitat_1_fraction" in kept or case.resample != "final"  # a fold has half the patients
    assert [case.blocks[0].repeats for case in reduce_cases([block], **about)] == [None] * 3


def test_numbers_of_another_contour_differ(folder):
    table = read_table(folder / "made" / "repeats" / "peritumoral_all_all.csv", REPEATS)
    first, second = (table[table["repeat"] == repeat] for repeat in ("0", "1"))

    assert (first["dice"] == 1).all()
    assert second["dice"].between(0.6, 0.999).all()
    assert not np.allclose(first["outer_original_firstorder_Mean"], second["outer_original_firstorder_Mean"])


def test_clusters_of_other_splits_are_refused(study, folder):
    clusterings = read_clusterings(folder / "made" / "regions" / CLUSTERS)
    given = {"radiomics": RadiomicsParams(settings=SMALL), "habitat": PARAMS, "splits": study.splits, "cases": []}
    stray = {("cv-9-9", "all"): clusterings["final", "all"]}
    for found in ({}, clusterings | stray, dict(list(clusterings.items())[:2])):
        with pytest.raises(PipelineError, match=r"clusters of every resample of data/splits\.csv .*run habitat again"):
            measures_of(["habitat"], **given, clusterings=found)
