"""Seconds per image on the same images: PyRadiomics on the command line and on crops, and our stages and engine.

    python -m tests.benchmarks.extraction                                      # generates ultrasound-like frames
    python -m tests.benchmarks.extraction --volumes 30 45                      # and volumes of these radii in mm
    python -m tests.benchmarks.extraction --images DIR --masks DIR             # any folders, masks named as the images
    python -m tests.benchmarks.extraction --cohort data/cohort.csv --images data/images --masks data/masks

Run it from the repository's root, with a preset in params/radiomics.yaml. Every time includes starting Python.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

from pipeline.cohort.importers.paths import image_stem
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.contracts.data.segment import MASKS
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.images import image_from, read_image, write_image
from pipeline.foundation.parallel import map_cases, map_largest_first
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.radiomics.engine.extract import extract
from pipeline.radiomics.engine.settings import engine_settings
from pipeline.radiomics.features import (
    RadiomicsParams,
    extract_case,
    extraction_cases,
    extraction_costs,
    prepare,
)
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import collected_log, set_up
from pipeline.radiomics.recipe import on_grid
from tests.benchmarks.extraction_volumes import compare_volumes

Result = TypeVar("Result")


def draw_frames(folder: Path, *, count: int, seed: int) -> None:
    """Speckled frames of 360 × 560 pixels, each with an elliptical nodule of about 55 × 45 pixels."""
    for place in range(count):
        rng = np.random.default_rng([seed, place])
        y, x = np.indices((360, 560))
        centre_y, centre_x = rng.uniform(100, 260), rng.uniform(120, 440)
        half_y, half_x = rng.uniform(15, 30), rng.uniform(20, 36)
        inside = ((y - centre_y) / half_y) ** 2 + ((x - centre_x) / half_x) ** 2 <= 1
        speckle = gaussian_filter(rng.standard_normal((360, 560)), 1.2) ** 2
        grey = 255 * np.clip(speckle / np.quantile(speckle, 0.99), 0, 1) ** 0.4 * np.where(inside, 0.6, 1.0)
        write_image(image_from(grey.astype(np.uint8)), folder / "images" / f"f{place:03d}.nrrd")
        write_image(image_from(inside.astype(np.uint8)), folder / "masks" / f"f{place:03d}.nrrd")


def cohort_of(images: Path, masks: Path) -> pd.DataFrame:
    """A cohort table of the images that have a mask of the same name."""
    by_stem = {image_stem(path): path.name for path in sorted(masks.iterdir())}
    rows = [
        {"image_id": image_stem(path), "patient_id": image_stem(path), "view": "main", "image": path.name}
        | {"mask": by_stem[image_stem(path)]}
        for path in sorted(images.iterdir())
        if image_stem(path) in by_stem
    ]
    return pd.DataFrame(rows).reindex(columns=COHORT.names)


def cpu_seconds() -> float:
    """CPU time of this process and of all its finished children."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def timed(work: Callable[[], Result], *, what: str, count: int) -> tuple[Result, float]:
    """Run `work`, print the seconds per image (wall time and CPU time), return its result and its CPU seconds."""
    start, cpu_start = time.perf_counter(), cpu_seconds()
    result = work()
    clock, cpu = (time.perf_counter() - start) / count, (cpu_seconds() - cpu_start) / count
    print(f"{what:<66}{clock:>8.3f} s per image, {cpu:.3f} s of CPU time", flush=True)
    return result, cpu


def command_line(cohort: pd.DataFrame, *, given: argparse.Namespace, work: Path, settings: Path, jobs: int) -> None:
    """PyRadiomics' own batch command on the whole frames."""
    batch = pd.DataFrame(
        {
            "Image": [str((given.images / name).resolve()) for name in cohort["image"]],
            "Mask": [str((given.masks / name).resolve()) for name in cohort["mask"]],
        }
    )
    batch.to_csv(work / "batch.csv", index=False)
    program = str(Path(sys.executable).with_name("pyradiomics"))
    command = [program, str(work / "batch.csv"), "--param", str(settings), "--out", str(work / f"frames{jobs}.csv")]
    command += ["--format", "csv", "--jobs", str(jobs), "--verbosity", "2"]
    subprocess.run(command, check=True)


def stage(name: str, *, paths: dict[str, Path], workers: int, scratch: Path) -> None:
    """One of this project's stages, without cases that an earlier run has finished. Raises RuntimeError if it fails."""
    command = [sys.executable, "-m", f"stages.{name}"]
    command += [word for flag, path in paths.items() for word in (f"--{flag}", str(path))]
    variables = os.environ | {"FUSION_WORKERS": str(workers), "FUSION_SCRATCH": str(scratch)}
    variables["FUSION_STORE_GB"] = "0"
    done = subprocess.run(command, check=False, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"stages.{name} failed:\n{done.stderr}")


def both_stages(cohort: Path, *, given: argparse.Namespace, work: Path, workers: int) -> None:
    """Crop, then radiomics, of a study without predicted masks."""
    places = {"cohort": cohort, "images": given.images, "masks": given.masks}
    places |= {"predictions": work / "predictions.csv", "predicted-masks": work / "predicted"}
    write_table(MASKS.empty(), places["predictions"], MASKS)
    out = {"rois": work / "rois", "table": work / "rois.csv", "predicted": work / "predicted_rois.csv"}
    params = {"params": Path("params/crop.yaml")}
    stage("crop", paths=params | places | out, workers=workers, scratch=work / "scratch")
    tables = {"features": work / "features", "dictionary": work / "dictionary.csv", "use": work / "use.json"}
    tables["engine-check"] = work / "engine_check.csv"
    tables["use"].write_text('{"used": true, "outlines": true}', encoding="utf-8")
    params = {"params": given.params, "common": Path("params/common.yaml")}
    stage("radiomics", paths=params | out | tables, workers=workers, scratch=work / "scratch")


def on_crops(work: Path, *, name: str) -> pd.DataFrame:
    """PyRadiomics called in a plain loop on the crops written by the crop stage."""
    chosen = preset(name)
    rows = {}
    with collected_log():
        extractor = set_up(chosen.settings)
        for row in read_table(work / "rois.csv", ROIS).query("status == 'ok'").to_dict("records"):
            parts = [on_grid(read_image(work / "rois" / row[part]), grid=chosen.grid) for part in ("image", "mask")]
            rows[row["image_id"]] = {key: float(value) for key, value in extractor.execute(*parts).items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def by_engine(work: Path, *, name: str) -> pd.DataFrame:
    """The fast engine called in the same loop on the same crops."""
    chosen = preset(name)
    rows, settings = {}, engine_settings(chosen.settings)
    for row in read_table(work / "rois.csv", ROIS).query("status == 'ok'").to_dict("records"):
        image, mask = (on_grid(read_image(work / "rois" / row[part]), grid=chosen.grid) for part in ("image", "mask"))
        rows[row["image_id"]], _ = extract(settings, image=image, mask=mask)
    return pd.DataFrame.from_dict(rows, orient="index")


def gain(work: Path, *, params: RadiomicsParams, workers: int) -> float:
    """How many times faster several workers extract than one: the median of three pairs, all processes ready."""
    rois = read_table(work / "rois.csv", ROIS)
    cases = extraction_cases(rois, folder=work / "rois")
    recipe, costs = prepare(params, cases=cases), extraction_costs(rois["n_voxels"])

    def seconds(count: int, place: str) -> float:
        extract_one = partial(extract_case, recipe=recipe, store=ContentStore(work / place, limit_bytes=0))
        start = time.perf_counter()
        map_largest_first(extract_one, cases, costs=costs, spread=partial(map_cases, workers=count))
        return time.perf_counter() - start

    seconds(workers, "ready")
    return median(seconds(1, f"one-{turn}") / seconds(workers, f"several-{turn}") for turn in range(3))


def largest_difference(stage_values: pd.DataFrame, *, other: pd.DataFrame) -> str:
    """The largest difference between two tables of the same images, and the number of features that differ."""
    names = list(other.columns)
    ours, theirs = stage_values[names].to_numpy(dtype=float), other.to_numpy(dtype=float)
    apart = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-12)
    different = int((np.nanmax(apart, axis=0) > 1e-9).sum())
    return f"{different} of {len(names)} features differ by more than 1e-9, at most {np.nanmax(apart):.1e}"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cohort", type=Path, help="cohort table; without it, images and masks of the same name")
    parser.add_argument("--images", type=Path, help="folder of images; without it, frames are generated")
    parser.add_argument("--masks", type=Path, help="folder of masks")
    parser.add_argument("--params", type=Path, default=Path("params/radiomics.yaml"))
    parser.add_argument("--workers", type=int, default=2, help="processes of the parallel runs")
    parser.add_argument("--count", type=int, default=60, help="maximum number of images")
    parser.add_argument("--volumes", type=float, nargs="*", default=[], help="radii (mm) of lesions in drawn volumes")
    return parser.parse_args()


def compare_ways(cohort: pd.DataFrame, *, given: argparse.Namespace, work: Path, name: str) -> None:
    """Time every way on the images of `cohort`, then print whether the values are the same."""
    count, settings = len(cohort), work / "settings.json"
    settings.write_text(json.dumps(preset(name).settings))
    spent = {}
    for jobs in (1, given.workers):
        run = partial(command_line, cohort, given=given, work=work, settings=settings, jobs=jobs)
        _, spent[f"a{jobs}"] = timed(
            run, what=f"(a) PyRadiomics' command line on full frames, {jobs} job(s)", count=count
        )
    both_stages(work / "cohort.csv", given=given, work=work, workers=given.workers)  # writes the crops for (b) and (d)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    crops, spent["b"] = timed(
        partial(on_crops, work, name=name), what="(b) PyRadiomics called on crops, 1 process", count=count
    )
    for workers in (1, given.workers):
        run = partial(both_stages, work / "cohort.csv", given=given, work=work, workers=workers)
        timed(run, what=f"(c) stages crop and radiomics, tables written, {workers} worker(s)", count=count)
    by_engine(work, name=name)  # compiled, or read from the cache
    engine, spent["d"] = timed(
        partial(by_engine, work, name=name), what="(d) fast engine on crops, 1 process", count=count
    )
    print(f"ratios of CPU time: (a)/(d) {spent['a1'] / spent['d']:.1f}, (b)/(d) {spent['b'] / spent['d']:.1f}")
    faster = gain(work, params=load_params(given.params, RadiomicsParams), workers=given.workers)
    print(f"{given.workers} workers extract {faster:.2f} times as fast as one (goal for two: 1.8)")
    ours = read_table(work / "features" / "radiomics.csv", RADIOMICS).set_index("image_id").loc[crops.index]
    print(f"(d) against (b): {largest_difference(engine.loc[crops.index], other=crops)}")
    print(f"(c) against (b): {largest_difference(ours, other=crops)}")
    frames = pd.read_csv(work / "frames1.csv").drop(columns=["Image", "Mask"]).set_axis(cohort["image_id"])
    print(f"(c) against (a): {largest_difference(ours, other=frames.loc[crops.index])}")
    print("    (the wider view changes filters that scale by the image's maximum or wrap at its edge)")


def main() -> None:
    """Take the given images, or generate some, and compare the ways of extraction on them."""
    given = arguments()
    name = load_params(given.params, RadiomicsParams).preset
    if name is None:
        sys.exit(f"{given.params}: name a preset to benchmark")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if given.images is None:
            draw_frames(work, count=given.count, seed=2026)
            given.images, given.masks = work / "images", work / "masks"
        cohort = read_table(given.cohort, COHORT) if given.cohort else cohort_of(given.images, given.masks)
        cohort = cohort.dropna(subset=["mask"]).head(given.count)
        write_table(cohort, work / "cohort.csv", COHORT)
        print(f"{len(cohort)} images, preset {name}, {preset(name).count} features each")
        compare_ways(cohort, given=given, work=work, name=name)
    compare_volumes(given.volumes)


if __name__ == "__main__":
    main()
