"""What the self-test, consistency, explain, agreement and reduce stages would write for the small study."""

from pathlib import Path

import numpy as np
import pandas as pd
from contribution_tables import write_contributions
from PIL import Image
from study import study_patients, study_splits

from pipeline.contracts.data.agreement import AGREEMENT
from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.contracts.data.reduce import HALF_SAMPLES, LASSO_PATHS, REDUCED
from pipeline.contracts.reports.consistency import CONSISTENCY
from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.contracts.reports.segment import SEGMENTATION, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.contracts.reports.selftest import CONTROL_NAMES, CONTROLS, SELFTEST, SHAM, SIZE_ALONE
from pipeline.explain.waterfall import waterfall
from pipeline.foundation.tables import write_table

LIGHTS = {"sham_labels": "green", "size_alone": "amber", "sham_within_site": "grey", "near_images_apart": "green"}


def write_checks(tables: Path, *, pictures: Path) -> None:
    """selftest.csv, sham.csv, controls.csv, consistency.csv, explain.csv with its picture, and contributions."""
    selftest = pd.DataFrame(
        [
            (check, light, f"Title of {check}", 0.512, 0.55, "The rule.", f"Found by {check}.")
            for check, light in LIGHTS.items()
        ],
        columns=SELFTEST.names,
    )
    write_table(selftest, tables / "selftest.csv", SELFTEST)
    sham = pd.DataFrame({"kind": "all", "repeat": range(1, 21), "auc": np.linspace(0.42, 0.58, 20), "n_folds": 5})
    write_table(sham, tables / "sham.csv", SHAM)
    size = ("combined", "lr", "external", 40, 0.6, 0.9, 0.2)
    sizes = pd.DataFrame([size], columns=SIZE_ALONE.names)
    write_table(sizes, tables / "size_alone.csv", SIZE_ALONE)
    controls = [(name, 0.55, 0.45, 0.65, 60, 120, 6) for name in CONTROL_NAMES]
    write_table(pd.DataFrame(controls, columns=CONTROLS.names), tables / "controls.csv", CONTROLS)
    without = {"consistency": CONSISTENCY, "segmentation": SEGMENTATION, "segmentation_summary": SEGMENTATION_SUMMARY}
    for name, contract in (without | {"segmentation_tests": SEGMENTATION_TESTS}).items():
        write_table(contract.empty(), tables / f"{name}.csv", contract)
    row = ("1", "patient #3", "long", "densenet121", "grad_cam", "true positive", 0.91, 0.4, "1_true_positive.png")
    row = (*row, "1_true_positive.svg", "log-odds", -0.5, 1.25)
    explain = pd.DataFrame([row], columns=EXPLAIN.names)
    write_table(explain, tables / "explain.csv", EXPLAIN)
    write_contributions(tables)
    pictures.mkdir(parents=True, exist_ok=True)
    drawing = waterfall(
        np.array([1.75]), base=-0.5, output=1.25, labels=["age"], unit="log-odds", largest=3, title="#3"
    )
    (pictures / "1_true_positive.svg").write_bytes(drawing)
    Image.fromarray(np.full((8, 16, 3), 90, dtype=np.uint8)).save(pictures / "1_true_positive.png")


def write_near(folder: Path, *, n_pairs: int = 2) -> None:
    """`n_pairs` near-duplicates of training patients by increasing distance, the second mirrored, and thumbnails."""
    ids = list(study_patients()["patient_id"])
    rows = [
        (f"{one}_long", f"{other}_long", one, other, 0.001 * (n + 1), int(n == 1), 1)
        for n, (one, other) in enumerate(zip(ids[:n_pairs], ids[30 : 30 + n_pairs], strict=True))
    ]
    pairs = pd.DataFrame(rows, columns=NEAR_DUPLICATES.names)
    write_table(pairs, folder / "pairs.csv", NEAR_DUPLICATES)
    for number, image in enumerate([*pairs["image_a"], *pairs["image_b"]]):
        Image.fromarray(np.full((6, 8), number, dtype=np.uint8)).save(folder / f"{image}.png")


def write_reductions(data: Path, *, blocks: dict[str, list[str]], shape: str, texture: str) -> None:
    """half_samples, reduced and agreement; two radiomics features associated with the outcome, one clinical column."""
    final = study_splits().query("resample == 'final'")
    label = study_patients().set_index("patient_id")["label"].loc[final["patient_id"]].to_numpy()
    random = np.random.default_rng(3)
    for name, parts in blocks.items():
        tables = []
        for part in "ab":
            rows = final[(final["role"] != "train") | (final["half"] != part)]
            kept = label[rows.index.to_numpy() - final.index[0]]
            columns = {"resample": "final", "part": part, "patient_id": rows["patient_id"], "role": rows["role"]}
            if "clinical" in parts:
                columns["clinical.age"] = 30.0 + np.arange(len(rows)) % 40
            if "radiomics" in parts:
                columns[f"radiomics.{shape}"] = kept + random.normal(size=len(rows))
                columns[f"radiomics.{texture}"] = random.normal(size=len(rows))
            if "densenet121" in parts:
                columns["densenet121.pc001@long"] = kept + random.normal(size=len(rows))
            tables.append(pd.DataFrame(columns))
        write_table(pd.concat(tables), data / "reduced" / f"{name}.csv", REDUCED)
        halves = [
            (part, "radiomics", feature, n, 50, " ".join(str(one + 1) for one in range(n)))
            for part in "ab"
            for feature, n in ((shape, 48), (texture, 20))
        ]
        halves = halves if "radiomics" in parts else []
        steps = [(part, "radiomics", n + 1, shape, 0.3 - 0.02 * n, 0.1 * n) for part in "ab" for n in range(1, 12)]
        path = pd.DataFrame(steps if "radiomics" in parts else [], columns=LASSO_PATHS.names)
        write_table(path, data / "lasso_paths" / f"{name}.csv", LASSO_PATHS)
        table = pd.DataFrame(halves, columns=HALF_SAMPLES.names)
        write_table(table, data / "half_samples" / f"{name}.csv", HALF_SAMPLES)
    found = [(shape.partition("@")[0], "ICC(A,1)", 0.95, 0.9, 0.98, 20, 2), (texture, "ICC(A,1)", 0.6, 0.4, 0.8, 20, 2)]
    agreement = pd.DataFrame([("radiomics", "all", *row) for row in found], columns=AGREEMENT.names)
    write_table(agreement, data / "agreement.csv", AGREEMENT)
