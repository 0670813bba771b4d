"""regions: what is read of masks and habitats; without them no file is asked for."""

import pandas as pd
import pytest
from region_study import CLUSTERING, add_regions
from study import study_splits
from study_checks import write_checks
from study_folder import cohort, dictionary, patients, rois, write_params

from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import DICTIONARY
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.contracts.reports.segment import SEGMENTATION
from pipeline.foundation.errors import TableError
from pipeline.foundation.pseudonyms import pseudonyms
from pipeline.foundation.tables import read_table, write_csv, write_table
from pipeline.report.regions import mask_pairs, read_dictionary, read_regions

SETS = {"radiomics": ["radiomics"], "densenet121": ["radiomics_predicted"], "combined": ["clinical", "habitat"]}
AUDIT = pd.DataFrame(columns=["scope", "id"])


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A study with what `read_regions` reads, and no other table."""
    folder = tmp_path_factory.mktemp("study")
    tables = {"cohort": (cohort(), COHORT), "patients": (patients(), PATIENTS), "rois": (rois(), ROIS)}
    for name, (table, contract) in (tables | {"splits": (study_splits(), SPLITS)}).items():
        write_table(table, folder / f"{name}.csv", contract)
    features = cohort()[["image_id"]].assign(status="ok", reason=None, a=1.0)
    features.loc[9, ["status", "a"]] = ["extraction_failed", None]
    write_csv(features, folder / "features" / "radiomics.csv")
    write_checks(folder / "tables", pictures=folder / "pictures")
    write_params(folder / "all_params")
    found = {name: folder / f"{name}.csv" for name in ("cohort", "patients", "rois", "splits")}
    found |= {name: folder / name for name in ("features", "tables", "all_params", "images", "masks", "crops")}
    own = folder / "regions"
    return found, add_regions(found, own, predicted_set="densenet121", habitat_set="combined", n_images=9, halves=True)


def read(paths, *, sets=SETS, table=None):
    people, images = patients(), cohort()
    return read_regions(
        paths,
        sets=sets,
        cohort=images,
        rois=read_table(paths["rois"], ROIS) if table is None else table,
        results={
            "segmentation": read_table(paths["tables"] / "segmentation.csv", SEGMENTATION),
            "explain": read_table(paths["tables"] / "explain.csv", EXPLAIN),
        },
        patients=list(people["patient_id"]),
        names=pseudonyms(patients=people, cohort=images, audit=AUDIT),
    )


@pytest.fixture(scope="module")
def found(paths):
    return read(paths[1])


def test_pairs_differ_by_the_masks_alone():
    sets = {
        "radiomics": ["radiomics"],
        "network": ["radiomics_predicted"],
        "fused": ["clinical", "radiomics"],
        "fused_network": ["clinical", "radiomics_predicted"],
        "both": ["radiomics", "radiomics_predicted"],
        "other": ["habitat", "radiomics_predicted"],
    }

    assert mask_pairs(sets) == [("radiomics", "network"), ("fused", "fused_network")]


def test_radiomics_of_images_with_both_masks(found):
    assert found.pairs == [("radiomics", "densenet121")]
    assert list(found.given.index) == list(found.predicted.index)
    assert set(cohort()["image_id"]) - set(found.given.index) == {cohort()["image_id"][9]}


def test_radiomics_of_a_predicted_mask_are_not_compared_with_themselves(paths):
    table = rois().assign(mask_source="given")
    table.loc[:4, "mask_source"] = "predicted"

    assert not set(table["image_id"][:5]) & set(read(paths[1], table=table).given.index)


def test_each_example_has_a_picture(found):
    assert len(found.examples) == len(found.example_pictures) == 9
    assert found.examples["dice"].iloc[-1] == 0  # nothing was predicted
    assert all(picture.startswith(b"\x89PNG") for picture in found.example_pictures)


def test_habitats_of_resample_final_and_of_the_explained_cases(found):
    assert set(found.clusterings) == {"a", "b"}
    assert found.clusterings["a"].centres == CLUSTERING.centres
    assert {number: part for number, (part, _) in found.habitat_pictures.items()} == {"1": "a"}
    assert set(found.habitats["part"]) == {"a", "b"}


def test_the_dictionary_holds_habitats_if_a_set_uses_them(paths, tmp_path):
    write_table(dictionary(), tmp_path / "dictionary.csv", DICTIONARY)
    own = paths[1] | {"dictionary": tmp_path / "dictionary.csv"}

    assert set(read_dictionary(own, sets=SETS)["block"]) == {"radiomics", "habitat"}
    assert set(read_dictionary(own, sets={"radiomics": ["radiomics"]})["block"]) == {"radiomics"}


def test_without_regions_no_file_is_asked_for(paths):
    found = read(paths[0], sets={"radiomics": ["radiomics"]}, table=rois())

    assert list(found.pairs) == []
    assert len(found.given) == len(found.examples) == len(found.clusterings) == 0


def test_a_missing_table_is_one_sentence(paths, tmp_path):
    with pytest.raises(TableError, match=r"habitat\.csv"):
        read(paths[1] | {"features": tmp_path}, sets={"combined": ["habitat"]})
