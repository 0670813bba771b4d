"""Reduction of whole sets: what it writes, and that only the training rows of a case can affect it."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from pipeline.benchmark.design_matrices import design_matrices
from pipeline.contracts.data.agreement import REPEATS
from pipeline.contracts.data.cohort import BLOCK, COHORT, PATIENTS
from pipeline.contracts.data.embed import EMBEDDINGS
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.contracts.data.reduce import HALF_SAMPLES, LASSO, REDUCED, SELECTED
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.reduce import reduced as reduced_module
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.block_tables import BlockPlaces, network_parts, read_blocks
from pipeline.reduce.reduced import reduce_all, reduce_case, reduce_cases
from pipeline.reduce.reducer_files import from_bytes
from pipeline.reduce.repeats import read_repeats
from pipeline.reduce.result_tables import result_tables
from pipeline.reduce.steps.lasso import choose
from pipeline.split.splits import SplitParams, split_table

SHIPPED = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
# A coarser path, for speed: all that is tested here holds for any path.
COARSE = {"lasso": SHIPPED.lasso.model_copy(update={"n_lambdas": 25, "folds": 4}), "half_samples": 8}
PARAMS = SHIPPED.model_copy(update=COARSE)
SETS = "sets:\n  all: [clinical, radiomics, net, own]\n  clinical: [clinical]\nmatch_parts: true\n"


def study(n=100, *, seed=0):
    """Tables of a small study: an event is 1.5 SD higher in one factor of the radiomics and of the network."""
    generator = np.random.default_rng(seed)
    ids = [f"P{place:03d}" for place in range(n)]
    label = (np.arange(n) % 5 < 2).astype(int)
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": "A"})
    patients["cohort"] = np.where(
        np.arange(n) < 0.7 * n, "train", np.where(np.arange(n) < 0.85 * n, "internal", "external")
    )
    patients["age"] = np.round(generator.normal(50, 10, n), 1)
    patients["sex"] = generator.choice(["F", "M"], n)
    patients.loc[5::20, "age"] = np.nan
    images = [(f"{p}_{view}", p, view) for p in ids for view in ("long", "trans") if view == "long" or p[-1] != "7"]
    cohort = pd.DataFrame(images, columns=["image_id", "patient_id", "view"])
    for name in (column.name for column in COHORT.columns if column.name not in cohort):
        cohort[name] = "x" if name in ("image", "mask") else None
    factors = generator.normal(size=(n, 6))
    factors[:, 0] += 1.5 * label
    of_image = factors[np.searchsorted(ids, cohort["patient_id"])]
    values = of_image @ generator.normal(size=(6, 40)) + generator.normal(size=(len(cohort), 40))
    radiomics = pd.DataFrame(values, columns=[f"original_glcm_X{place}" for place in range(40)])
    radiomics.insert(0, "image_id", cohort["image_id"])
    radiomics.insert(1, "status", "ok")
    radiomics.insert(2, "reason", None)
    own = pd.DataFrame(generator.normal(size=(n, 30)), columns=[f"x{place}" for place in range(30)])
    own.insert(0, "patient_id", ids)
    splits = split_table(patients, params=SplitParams(folds=2, repeats=1, holdout_fraction=0), seed=1)
    net = embeddings(cohort, splits, of_image, generator)
    tables = {"patients": patients, "cohort": cohort, "splits": splits, "radiomics": radiomics, "net": net, "own": own}
    return tables | {"repeats": repeats_of(radiomics, generator)}


def repeats_of(radiomics, generator):
    """Two masks of every image: the last ten features are independent between them, the others nearly equal."""
    values = radiomics.iloc[:, 3:]
    again = values + generator.normal(scale=0.1, size=values.shape)
    again.iloc[:, -10:] = generator.normal(size=(len(values), 10))
    both = [radiomics[["image_id", "status", "reason"]].assign(repeat=str(n), dice=1.0) for n in range(2)]
    return pd.concat([pd.concat([both[0], values], axis=1), pd.concat([both[1], again], axis=1)], ignore_index=True)


def embeddings(cohort, splits, of_image, generator):
    tables = []
    for resample, split in splits.groupby("resample"):
        for part in ("a", "b"):
            seen = split.loc[(split["role"] != "train") | (split["half"] != part), "patient_id"]
            kept = cohort["patient_id"].isin(seen).to_numpy()
            values = np.maximum(of_image[kept] @ generator.normal(size=(6, 20)), 0)
            table = pd.DataFrame(values, columns=[f"net_{place:04d}" for place in range(20)])
            keys = {"resample": resample, "part": part, "image_id": cohort["image_id"][kept].to_numpy()}
            tables.append(pd.concat([pd.DataFrame(keys), table], axis=1))
    return pd.concat(tables, ignore_index=True)


def write(tables, folder):
    write_table(tables["patients"], folder / "patients.csv", PATIENTS)
    write_table(tables["cohort"], folder / "cohort.csv", COHORT)
    write_table(tables["splits"], folder / "splits.csv", SPLITS)
    write_table(tables["radiomics"], folder / "features" / "radiomics.csv", RADIOMICS)
    write_table(tables["net"], folder / "features" / "net.csv", EMBEDDINGS)
    write_table(tables["own"], folder / "blocks" / "own.csv", BLOCK)
    write_table(tables["repeats"], folder / "repeats.csv", REPEATS)
    folders = {"features": folder / "features", "blocks": folder / "blocks"}
    return BlockPlaces(cohort=folder / "cohort.csv", **folders, nets=("net",))


def reduced(tables, folder, *, names=("clinical", "radiomics", "net", "own"), parts=("a", "b"), workers=1):
    places = write(tables, folder)
    patients = read_table(folder / "patients.csv", PATIENTS)
    blocks = read_blocks(names, places=places, patients=patients, splits=tables["splits"])
    repeats = read_repeats(folder / "repeats.csv", cohort=folder / "cohort.csv")
    cases = reduce_cases(blocks, patients=patients, splits=tables["splits"], parts=parts, repeats=repeats)
    store = CheckpointStore(folder / "scratch", key="k")
    results = list(reduce_all(cases, params=PARAMS, seed=7, store=store, workers=workers))
    return *result_tables(results, blocks=names).values(), results


@pytest.fixture(scope="module")
def tables():
    return study()


@pytest.fixture(scope="module")
def done(tables, tmp_path_factory):
    return reduced(tables, tmp_path_factory.mktemp("study"))


def test_tables_keep_their_contracts_and_the_benchmark_reads_them(done, tables):
    matrix, selected, lasso, *_ = done

    assert not REDUCED.faults(matrix)
    assert not SELECTED.faults(selected)
    assert not LASSO.faults(lasso)
    assert not HALF_SAMPLES.faults(done[3])
    designs = design_matrices(matrix, tables["patients"], tables["splits"])
    assert len(designs) == 3 * 2
    assert all({"clinical.age", "clinical.sex=F", "clinical.sex=M"} <= set(design.features) for design in designs)


def test_every_patient_is_a_row_and_a_part_is_fitted_on_the_other_half(done, tables):
    matrix, splits = done[0], tables["splits"]
    final = splits[splits["resample"] == "final"]
    rows = matrix[matrix["resample"] == "final"]

    assert set(rows["patient_id"]) == set(tables["patients"]["patient_id"])
    for part, other in (("a", "b"), ("b", "a")):
        fitted = rows.loc[(rows["part"] == part) & (rows["role"] == "train"), "patient_id"]
        assert set(fitted) == set(final.loc[final["half"] == other, "patient_id"])


def test_columns_in_use_are_filled_and_the_selected_features_are_those(done):
    matrix, selected, *_ = done
    for (resample, part), rows in matrix.groupby(["resample", "part"]):
        features = rows.drop(columns=["resample", "part", "patient_id", "role"])
        used = set(features.columns[features.notna().any()])
        assert features[sorted(used)].notna().all(axis=None)
        kept = selected[(selected["resample"] == resample) & (selected["part"] == part)]
        assert set(kept["rule"]) == {"min", "1se"}
        kept = kept[~kept["feature"].isin(["(intercept)", "(none)"]) & (kept["rule"] == PARAMS.lasso.rule)]
        expected = set(kept["block"] + "." + kept["feature"])
        assert {name for name in used if not name.startswith("clinical.")} == expected


def test_training_rows_are_z_scores_and_clinical_columns_keep_their_units(done, tables):
    rows = done[0].query("resample == 'final' and part == 'a'").dropna(axis=1, how="all")
    train = rows[rows["role"] == "train"]
    scaled = train[[name for name in train if name.startswith(("radiomics.", "net.", "own."))]]

    assert scaled.mean().abs().max() < 1e-9
    assert scaled.std(ddof=0).to_numpy() == pytest.approx(1)
    ages = tables["patients"].set_index("patient_id")["age"].loc[train["patient_id"]].to_numpy()
    assert (train["clinical.age"].to_numpy() == np.where(np.isnan(ages), np.nanmedian(ages), ages)).all()


def test_half_samples_list_every_candidate_of_final_and_count_those_that_keep_it(done):
    _, selected, _, half_samples, *_ = done
    final = selected[(selected["resample"] == "final") & (selected["rule"] == PARAMS.lasso.rule)]
    final = final[~final["feature"].str.startswith("(")]
    counts = half_samples.set_index(["part", "block", "feature"])["n_selected"]

    assert set(final[["part", "block", "feature"]].itertuples(index=False, name=None)) <= set(counts.index)
    assert (half_samples["n_samples"] == 8).all()
    assert (half_samples["samples"].str.split().str.len() == counts.to_numpy()).all()
    leading = final[final["block"] == "net"].set_index(["part", "block", "feature"])["coefficient"].abs()
    assert counts[leading.groupby("part").idxmax()].min() >= 6
    assert set(half_samples["block"]) == {"radiomics", "net", "own"}


def test_paths_of_final_pass_through_the_chosen_coefficients(done):
    _, selected, lasso, _, paths, _ = done
    rule = PARAMS.lasso.rule
    final = [table[table["resample"] == "final"] for table in (lasso, selected)]
    for key, own in paths.groupby(["part", "block"]):
        rows, chosen = (table.set_index(["part", "block"]).loc[[key]] for table in final)
        rows = rows.sort_values("lambda_index")
        place = choose(rows["cv_mean"].to_numpy(), rows["cv_se"].to_numpy(), rule=rule)
        at = own[own["lambda_index"] == place + 1].set_index("feature")["coefficient"]
        kept = chosen[chosen["rule"] == rule]
        kept = kept[~kept["feature"].str.startswith("(")].set_index("feature")["coefficient"]
        pd.testing.assert_series_equal(at.sort_index(), kept.sort_index(), check_names=False)
        # As many features at each lambda as in the table of the path.
        counts = own.groupby("lambda_index").size()
        assert (rows.set_index("lambda_index")["n_nonzero"].loc[counts.index] == counts).all()


def test_planted_signal_is_found_and_noise_is_mostly_dropped(done):
    selected = done[1][done[1]["rule"] == PARAMS.lasso.rule]
    counts = selected.groupby("block")["feature"].count()

    assert counts["radiomics"] > 6 * 2  # more than intercepts and one feature per fit
    assert selected.query("block == 'own'")["feature"].isin(["(intercept)", "(none)"]).mean() > 0.2


def test_pure_noise_keeps_few_and_reports_when_it_keeps_none(tables, tmp_path):
    generator = np.random.default_rng(3)
    noise = pd.DataFrame(generator.normal(size=(100, 400)), columns=[f"x{place}" for place in range(400)])
    noise.insert(0, "patient_id", tables["patients"]["patient_id"])
    matrix, selected, *_, results = reduced(tables | {"own": noise}, tmp_path, names=("own",), parts=("all",))
    none = selected[(selected["feature"] == "(none)") & (selected["rule"] == PARAMS.lasso.rule)]
    notes = [note for result in results for note in result.notes]

    assert len(selected) < 2 * 3 * 15
    assert (none["coefficient"] == 0).all()
    assert len(notes) == len(none)
    for resample in none["resample"]:
        assert matrix[matrix["resample"] == resample].filter(like="own.").isna().all(axis=None)


def test_nothing_selected_is_a_prevalence_design(tables, tmp_path):
    flat = tables["own"].assign(**{f"x{place}": 1.0 for place in range(30)})
    matrix, selected, lasso, *_ = reduced(tables | {"own": flat}, tmp_path, names=("own",), parts=("all",))

    assert set(selected["feature"]) == {"(intercept)", "(none)"}
    assert lasso.empty
    assert not LASSO.faults(lasso)
    designs = design_matrices(matrix, tables["patients"], tables["splits"])
    assert [design.features for design in designs] == [(), (), ()]


def garbage(tables):
    """The study with all data of its internal and external patients replaced."""
    generator = np.random.default_rng(99)
    changed = {name: table.copy() for name, table in tables.items()}
    patients = changed["patients"]
    test = patients["cohort"] != "train"
    patients["age"] = patients["age"].astype("object")
    patients.loc[test, "age"] = "garbage"
    patients.loc[test, "sex"] = "?"
    patients.loc[test, "label"] = 1 - patients.loc[test, "label"]
    held_out = set(patients.loc[test, "patient_id"])
    for name in ("radiomics", "net", "own"):
        owner = changed[name].get("patient_id", changed[name].get("image_id", pd.Series(dtype=str)).str[:4])
        numbers = [column for column in changed[name] if changed[name][column].dtype == "float64"]
        rows = owner.isin(held_out).to_numpy()
        noise = generator.normal(size=(int(rows.sum()), len(numbers))) * 1e6
        changed[name].loc[rows, numbers] = np.where(generator.random(noise.shape) < 0.1, np.nan, noise)
    return changed


def test_garbage_in_the_test_rows_leaves_training_artefacts_byte_identical(done, tables, tmp_path):
    matrix, selected, lasso, half_samples, paths, results = reduced(garbage(tables), tmp_path)
    before, after = (frame.query("role in ('train', 'cv')") for frame in (done[0], matrix))

    assert after.to_csv() == before.to_csv()
    assert selected.to_csv() == done[1].to_csv()
    assert lasso.to_csv() == done[2].to_csv()
    assert half_samples.to_csv() == done[3].to_csv()
    assert paths.to_csv() == done[4].to_csv()
    assert matrix.to_csv() != done[0].to_csv()
    assert any("level '?'" in note for result in results for note in result.notes)


def test_without_the_test_patients_the_training_rows_are_the_same(done, tables, tmp_path):
    kept = tables["splits"][tables["splits"]["role"].isin(["train", "cv"])]
    matrix, selected, _, half_samples, *_ = reduced(tables | {"splits": kept}, tmp_path)

    pd.testing.assert_frame_equal(matrix, done[0].query("role in ('train', 'cv')").reset_index(drop=True))
    assert selected.to_csv() == done[1].to_csv()
    assert half_samples.to_csv() == done[3].to_csv()


def test_two_workers_write_the_same_bytes(done, tables, tmp_path):
    again = reduced(tables, tmp_path, workers=2)

    assert [table.to_csv() for table in again[:4]] == [table.to_csv() for table in done[:4]]


def test_finished_cases_are_not_recomputed_and_are_restored_to_the_bit(tables, tmp_path, monkeypatch):
    first = reduced(tables, tmp_path, names=("clinical", "own"))
    monkeypatch.setattr("pipeline.reduce.reduced._reduce", None)
    monkeypatch.setattr("pipeline.reduce.reduced._raw", None)  # not even made
    again = reduced(tables, tmp_path, names=("clinical", "own"))

    assert [table.to_csv() for table in again[:4]] == [table.to_csv() for table in first[:4]]


def test_a_missing_case_alone_is_made(tables, tmp_path, monkeypatch):
    first = reduced(tables, tmp_path, names=("own",))
    CheckpointStore(tmp_path / "scratch", key="k").discard("final/b")
    made, real = [], reduced_module._case
    monkeypatch.setattr(reduced_module, "_case", lambda key, **given: made.append(key) or real(key, **given))
    again = reduced(tables, tmp_path, names=("own",))

    assert made == [("final", "b")]
    assert [table.to_csv() for table in again[:4]] == [table.to_csv() for table in first[:4]]


def test_cases_are_made_one_after_another(tables, tmp_path, monkeypatch):
    order = []
    real = reduced_module._case, reduced_module._reduce
    monkeypatch.setattr(reduced_module, "_case", lambda key, **given: order.append("made") or real[0](key, **given))
    monkeypatch.setattr(reduced_module, "_reduce", lambda case, **given: order.append("done") or real[1](case, **given))
    reduced(tables, tmp_path, names=("clinical",))

    assert order == ["made", "done"] * 6


def test_one_more_patient_needs_no_change(tables, tmp_path):
    larger = study(101)
    matrix = reduced(larger, tmp_path, names=("radiomics", "clinical"), parts=("all",))[0]

    assert "P100" in set(matrix["patient_id"])


def radiomics_cases(tables, folder, *, params=PARAMS):
    """Selected radiomics features of every resample and part."""
    places = write(tables, folder)
    patients = tables["patients"]
    blocks = read_blocks(["radiomics"], places=places, patients=patients, splits=tables["splits"])
    repeats = read_repeats(folder / "repeats.csv", cohort=folder / "cohort.csv")
    cases = reduce_cases(blocks, patients=patients, splits=tables["splits"], parts=("a", "b"), repeats=repeats)
    store = CheckpointStore(folder / "scratch", key="k")
    return cases, [reduce_case(case, params=params, seed=7, store=store) for case in cases]


def test_features_that_do_not_agree_between_masks_are_never_selected(tables, tmp_path):
    _, with_filter = radiomics_cases(tables, tmp_path / "on")
    _, without = radiomics_cases(tables, tmp_path / "off", params=PARAMS.model_copy(update={"agreement": None}))

    loose = {f"original_glcm_X{place}" for place in range(30, 40)}
    chosen = [
        {row["feature"].partition("@")[0] for result in results for row in result.selected}
        for results in (with_filter, without)
    ]
    assert not chosen[0] & loose
    assert chosen[0] - {"(intercept)", "(none)"}
    assert chosen[1] & loose


def test_garbage_in_the_repeats_of_held_out_patients_changes_nothing(tables, tmp_path):
    splits = tables["splits"]
    never = set(splits["patient_id"]) - set(splits.loc[splits["role"] == "train", "patient_id"])
    garbage = tables["repeats"].copy()
    held_out = garbage["image_id"].str.partition("_")[0].isin(never).to_numpy()
    garbage.iloc[held_out, 5:] = np.random.default_rng(9).normal(scale=1e6, size=garbage.iloc[held_out, 5:].shape)
    cases, clean = radiomics_cases(tables, tmp_path / "clean")
    _, dirty = radiomics_cases(tables | {"repeats": garbage}, tmp_path / "dirty")

    assert held_out.any()
    assert clean == dirty
    for case in cases:
        assert set(case.blocks[0].repeats.index) == set(case.blocks[0].train.index)


def test_garbage_in_the_repeats_of_training_patients_changes_what_is_kept(tables, tmp_path):
    garbage = tables["repeats"].copy()
    garbage.iloc[:, 5:] = np.random.default_rng(9).normal(size=garbage.iloc[:, 5:].shape)
    _, dirty = radiomics_cases(tables | {"repeats": garbage}, tmp_path)

    assert {row["feature"] for result in dirty for row in result.selected} <= {
        "(intercept)",
        "(none)",
        "missing@trans",  # does not depend on a mask
    }


def test_if_no_feature_agrees_none_is_kept(tables):
    images = tables["radiomics"][tables["radiomics"]["image_id"].str.endswith("long")]
    loose = [f"original_glcm_X{place}" for place in range(30, 40)]
    reducer = BlockReducer(kind="radiomics", params=PARAMS, indicators=(), seed=7)
    y = tables["patients"]["label"].to_numpy()
    reducer.fit(images[loose], y, tables["patients"]["group_id"].to_numpy(), tables["repeats"])

    assert reducer.transform(images[loose]).shape == (100, 0)
    assert reducer.lasso_.chosen_.coefficients.empty


def test_agreement_of_one_image_is_one_sentence(tables, tmp_path):
    one = tables["repeats"][tables["repeats"]["image_id"] == tables["repeats"]["image_id"].iloc[0]]
    with pytest.raises(PipelineError, match=r"resample cv-1-1, part a, block radiomics: .* set agreement in params"):
        radiomics_cases(tables | {"repeats": one}, tmp_path)


def test_if_no_mask_was_repeated_nothing_is_filtered(tables, tmp_path):
    """The stage `split` has refused a filter that needs repeated masks and has no source of them."""
    _, passed = radiomics_cases(tables | {"repeats": tables["repeats"][:0]}, tmp_path / "none")
    _, without = radiomics_cases(tables, tmp_path / "off", params=PARAMS.model_copy(update={"agreement": None}))

    # A reducer's file names its params, of which one filters.
    assert [replace(one, reducers={}) for one in passed] == [replace(one, reducers={}) for one in without]


def test_parts_come_from_the_tables_of_the_networks(tables, tmp_path):
    places = write(tables, tmp_path)

    assert network_parts(["clinical", "net", "own", "radiomics"], places=places) == {"net": {"a", "b"}}


def test_unknown_block_is_one_sentence(tables, tmp_path):
    places = write(tables, tmp_path)

    with pytest.raises(ParamsError, match="block 'radiomix' is neither clinical"):
        read_blocks(["radiomix"], places=places, patients=tables["patients"], splits=tables["splits"])


def test_the_table_of_a_network_that_is_no_longer_named_is_not_read(tables, tmp_path):
    places = replace(write(tables, tmp_path), nets=("other",))

    assert network_parts(["net"], places=places) == {}
    with pytest.raises(
        ParamsError, match=r"block 'net' is neither .* nor a network of params/embed\.yaml \(key nets\)"
    ):
        read_blocks(["net"], places=places, patients=tables["patients"], splits=tables["splits"])


def run(folder, *, feature_set, fusion=SETS):
    (folder / "fusion.yaml").write_text(fusion, encoding="utf-8")
    (folder / "embed.yaml").write_text("nets: [net]\n", encoding="utf-8")
    given = {"params": ROOT / "params" / "reduce.yaml", "fusion": folder / "fusion.yaml"}
    given |= {"embed": folder / "embed.yaml"}
    given |= {"common": ROOT / "params" / "common.yaml", "features": folder / "features", "blocks": folder / "blocks"}
    given |= {name: folder / f"{name}.csv" for name in ("cohort", "patients", "splits", "repeats")}
    outputs = ("reduced", "selected", "lasso", "half-samples", "lasso-paths")
    given |= {name: folder / name / f"{feature_set}.csv" for name in outputs}
    given |= {"reducers": folder / "reducers" / feature_set}
    flags = [word for name, path in given.items() for word in (f"--{name}", str(path))]
    command = [sys.executable, "-m", "stages.reduce", *flags, "--set", feature_set]
    environment = {**os.environ, "FUSION_WORKERS": "1", "FUSION_SCRATCH": str(folder / "scratch")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_stage_writes_four_tables_in_the_matched_halves(tables, tmp_path):
    write(tables, tmp_path)
    ended = run(tmp_path, feature_set="clinical")

    assert ended.returncode == 0, ended.stderr
    matrix = read_table(tmp_path / "reduced" / "clinical.csv", REDUCED)
    assert set(matrix["part"]) == {"a", "b"}
    assert "clinical.age" in matrix
    assert read_table(tmp_path / "selected" / "clinical.csv", SELECTED).empty
    assert read_table(tmp_path / "lasso" / "clinical.csv", LASSO).empty
    assert read_table(tmp_path / "half-samples" / "clinical.csv", HALF_SAMPLES).empty
    kept = sorted((tmp_path / "reducers" / "clinical").iterdir())
    assert [path.name for path in kept] == ["clinical_a.safetensors", "clinical_b.safetensors"]
    fitted = from_bytes(kept[0].read_bytes(), place=kept[0].name)
    final = matrix[(matrix["resample"] == "final") & (matrix["part"] == "a")].set_index("patient_id")
    raw = read_table(tmp_path / "patients.csv", PATIENTS).set_index("patient_id")
    again = fitted.transform(raw.loc[final.index])
    pd.testing.assert_frame_equal(again.add_prefix("clinical."), final[[f"clinical.{name}" for name in again]])


def test_stage_refuses_an_unknown_set_in_one_sentence(tables, tmp_path):
    write(tables, tmp_path)
    ended = run(tmp_path, feature_set="fusion")

    assert ended.returncode == 1
    assert "there is no set 'fusion'; the sets are all, clinical" in ended.stderr
    assert "Traceback" not in ended.stderr
