"""Make the bundle of one feature set from a finished study: settings, fitted steps, references, card; no row."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.benchmark.classifiers import ModelName
from pipeline.benchmark.design_matrices import Design
from pipeline.cohort.cohort import CohortParams
from pipeline.contracts.data.embed import LOGIT
from pipeline.contracts.data.split import FINAL
from pipeline.explain.examples import ExplainParams
from pipeline.foundation.errors import PipelineError, listed
from pipeline.foundation.fingerprints import package_versions, rooms_hash
from pipeline.foundation.images import read_image
from pipeline.plan.feature_sets import CLINICAL, RADIOMICS, network_behind
from pipeline.predict.bundle import (
    ABOUT,
    CARD,
    FORMAT,
    PACKAGES,
    REFERENCES,
    ROOMS,
    About,
    Background,
    Bundle,
    Point,
    Settings,
    reducer_name,
)
from pipeline.predict.bundle_networks import network_files, weight_ratios
from pipeline.predict.finished_study import AGAIN, FinishedStudy
from pipeline.predict.flags import fit_references
from pipeline.predict.image_facts import image_facts
from pipeline.predict.model_card import card_text, study_facts
from pipeline.predict.scores import fitted_steps, part_scores, probabilities, reduced_features
from pipeline.predictions.operating_point import fit_operating_point
from pipeline.radiomics.recipe import grid_of
from pipeline.reduce.blocks import Block
from pipeline.reduce.reducer_files import SUFFIX
from pipeline.statistics.prototypes import prototypes

WITH_ROWS = ("knn", "svm")  # their files hold rows of training patients: the neighbours, the support vectors
REPLICATES = 500  # bootstrap samples of the training patients behind the recalibration
EQUAL = 1e-9  # largest difference of a score from the study's


def bundle_files(
    study: FinishedStudy, *, feature_set: str, classifier: str | None = None, allow_rows: bool = False
) -> dict[str, bytes]:
    """The files of the bundle of a set by name: with the classifier chosen by cross-validation, or `classifier`.

    `allow_rows`: also a classifier whose file holds reduced rows of training patients (knn, svm). Raises PipelineError
    if it does and is not allowed, a light of the study is red, a block cannot be computed for a new patient, the tables
    are not of one run, or the bundle does not give the scores of the study.
    """
    blocks = study.blocks_of(feature_set)
    chosen = study.classifier_of(feature_set)
    model = classifier or chosen
    _check_blocks(blocks, study=study)
    _check_lights(study)
    if model in WITH_ROWS and not allow_rows:
        raise PipelineError(
            f"set {feature_set}: the classifier is {model}, whose file holds the reduced rows of training patients; "
            "allow it (ROWS=1) if these data may be passed on, or name another classifier (CLASSIFIER=lr)"
        )
    designs = study.designs(feature_set)
    final = [design for design in designs if design.resample == FINAL]
    parts = [design.part for design in final]
    files = _fitted_files(study, feature_set=feature_set, model=model, parts=parts, blocks=blocks)
    about = _about(study, feature_set=feature_set, model=model, designs=final, chosen_by_hand=model != chosen)
    files[ABOUT] = _json(about.model_dump(mode="json"))
    bundle = Bundle(about=about, files=files, sha256="", place=f"bundle of {feature_set}")
    raw = study.blocks(feature_set)
    _check_against_study(bundle, study, raw=raw)
    references = fit_references(
        designs,
        blocks=raw,
        splits=study.splits,
        patients=study.patients,
        facts=_facts(study) if bundle.needs_images else None,
        clinical=study.clinical if CLINICAL in blocks else None,
        seed=study.seed,
    )
    files[REFERENCES] = references.to_json().encode()
    files[CARD] = card_text(about).encode()
    return files


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _check_blocks(blocks: tuple[str, ...], *, study: FinishedStudy) -> None:
    nets = study.embed.nets
    known = [b for b in blocks if b in (CLINICAL, RADIOMICS) or network_behind(b, nets=nets)]
    faults = [f"block '{block}' cannot be computed for a new patient yet" for block in blocks if block not in known]
    if faults:
        remedy = "make the bundle of a set of clinical, radiomics and networks (SET=…)"
        raise PipelineError(listed(faults, heading=f"no bundle is made; {remedy}"))


def _check_lights(study: FinishedStudy) -> None:
    red = study.lights[study.lights["light"] == "red"]
    if len(red):
        raise PipelineError(listed(list(red["title"]), heading="no bundle is made of a study with a red light"))


def _fitted_files(
    study: FinishedStudy, *, feature_set: str, model: str, parts: list[str], blocks: tuple[str, ...]
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for part in parts:
        saved, file = study.model(feature_set, model=model, part=part)
        name = f"{part}{file.suffix}"
        files[f"models/{name}"] = file.read_bytes()
        files[f"models/{part}.card.json"] = _json(saved.card | {"file": name})
        for block in blocks:
            path = study.data / "reducers" / feature_set / f"{block}_{part}{SUFFIX}"
            if not path.is_file():
                raise PipelineError(f"{path}: there is no such fitted reducer; {AGAIN}")
            files[reducer_name(block, part)] = path.read_bytes()
    nets = dict.fromkeys(net for block in blocks if (net := network_behind(block, nets=study.embed.nets)))
    for net in nets:
        files |= network_files(study, net=net, parts=parts)
    return files


def _about(study: FinishedStudy, *, feature_set: str, model: str, designs: list[Design], chosen_by_hand: bool) -> About:
    blocks, settings = study.blocks_of(feature_set), study.import_params
    parts = [design.part for design in designs]
    card = study.model(feature_set, model=model, part=parts[0])[0].card
    of_logits = [block.removesuffix(LOGIT) for block in blocks if block.endswith(LOGIT)]
    backgrounds = {}
    for design in designs:
        if design.features:
            found = prototypes(design.X, seed=study.seed)
            backgrounds[design.part] = Background(centres=found.centres.tolist(), counts=found.counts.tolist())
    return About.model_validate(
        {
            "format": FORMAT,
            "feature_set": feature_set,
            "blocks": blocks,
            "classifier": cast("ModelName", model),
            "chosen_by": "hand" if chosen_by_hand else "cross-validation",
            "parts": parts,
            "views": sorted(study.cohort["view"].unique()),
            "clinical": _clinical_kinds(study) if CLINICAL in blocks else {},
            "whole_images": _whole_images(settings),
            "outlines": study.use.outlines,
            "form": _form(study) if RADIOMICS in blocks else None,
            "seed": study.seed,
            "orders": study.settings("explain", ExplainParams).orders,
            "point": Point(**card["operating_point"]),
            "recalibrations": recalibrations(study, feature_set=feature_set, model=model),
            "backgrounds": backgrounds,
            "weight_ratios": {net: weight_ratios(study, net=net, parts=parts) for net in of_logits},
            "settings": _settings(study),
            "facts": study_facts(study, feature_set=feature_set, model=model),
            "versions": package_versions(PACKAGES),
            "code": rooms_hash(*ROOMS),
        }
    )


def _whole_images(settings: CohortParams) -> bool:
    """Whether an image without a mask was the lesion itself; only the source `manifest` knows that."""
    own = settings.manifest if settings.source == "manifest" else None
    return own is not None and own.roi == "full"


def _settings(study: FinishedStudy) -> Settings:
    settings = study.import_params
    content = study.embed.model_dump(mode="json")
    _without_folders(content)  # a path says where the study was made
    return Settings.model_validate(
        {
            "masks": settings.masks.model_dump(),
            "voxels": settings.voxels.model_dump(),
            "tables": settings.tables.model_dump(),
            "crop": study.crop.model_dump(),
            "radiomics": study.radiomics.model_dump(),
            "embed": content,
        }
    )


def _without_folders(content: dict[str, Any]) -> None:
    for value in content.values():
        if isinstance(value, dict):
            if isinstance(value.get("file"), str):
                value["file"] = Path(value["file"]).name
            _without_folders(value)


def _clinical_kinds(study: FinishedStudy) -> dict[str, str]:
    kinds = {}
    for name, values in study.clinical.items():
        if pd.api.types.is_bool_dtype(values):
            kinds[str(name)] = "boolean"
        else:
            kinds[str(name)] = "number" if pd.api.types.is_numeric_dtype(values) else "text"
    return kinds


def _form(study: FinishedStudy) -> str:
    usable = study.rois[study.rois["status"] == "ok"]
    return grid_of(read_image(study.data / "rois" / str(usable["image"].iloc[0])))


def _facts(study: FinishedStudy) -> pd.DataFrame:
    sites = study.cohort.set_index("image_id")["site"]
    return image_facts(study.rois, folder=study.data / "rois", sites=sites)


def recalibrations(
    study: FinishedStudy, *, feature_set: str, model: str, replicates: int = REPLICATES
) -> list[tuple[float, float]]:
    """Intercept and slope of the recalibration in bootstrap samples of the training patients, drawn by group, from
    their out-of-fold scores (mean over repeats). A sample of one class is drawn again.
    """
    rows = study.predictions(feature_set, model=model)
    own = rows[rows["evaluation"] == "cv"].sort_values(["patient_id", "resample"], kind="stable")
    mean = own.groupby("patient_id").agg({"score": "mean", "label": "first"})
    group = study.patients.set_index("patient_id")["group_id"].loc[mean.index]
    scores, labels = mean["score"].to_numpy(dtype=np.float64), mean["label"].to_numpy().astype(bool)
    members = [np.flatnonzero(group.to_numpy() == name) for name in sorted(group.unique())]
    generator, found = np.random.default_rng(study.seed), list[tuple[float, float]]()
    while len(found) < replicates:
        drawn: NDArray[np.intp] = np.concatenate(
            [members[n] for n in generator.integers(0, len(members), len(members))]
        )
        if labels[drawn].any() and not labels[drawn].all():
            point = fit_operating_point(scores[drawn], labels[drawn])
            found.append((point.intercept, point.slope))
    return found


def _check_against_study(bundle: Bundle, study: FinishedStudy, *, raw: Sequence[Block]) -> None:
    """The fitted steps give the scores of the study's held-out patients: reducers, models and tables are of one run."""
    feature_set = bundle.about.feature_set
    rows = study.predictions(feature_set, model=bundle.about.classifier)
    tested = rows[rows["evaluation"] != "cv"].set_index("patient_id")["score"].sort_index()
    patients = [str(patient) for patient in tested.index]
    frames: dict[tuple[str, str], pd.DataFrame] = {
        (block.name, str(part)): block.frame(FINAL, part) for block in raw for part in bundle.about.parts
    }
    fitted = fitted_steps(bundle)
    sites = study.patients.set_index("patient_id")["site"]
    reduced = reduced_features(bundle, fitted, frames, sites=sites, patients=patients)
    found = probabilities(bundle, part_scores(fitted, reduced))["probability"]
    difference = float(np.abs(found - tested).max()) if len(tested) else 0.0
    if not difference <= EQUAL:
        raise PipelineError(
            f"set {feature_set}: the fitted steps differ from the scores of the study by {difference:.2g}, more than "
            f"{EQUAL:g}; the files in {study.data} are not of one run: {AGAIN}"
        )
