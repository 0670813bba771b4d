"""Draw a synthetic thyroid-ultrasound study: patients with latent scores, their clinical columns and their images.

Three latent scores per patient, each normal with SD 1 within events and within non-events, differ between the two by a
declared Cohen's d; the images and the clinical columns are noisy functions of them. So the result of a sound analysis
is known beforehand: texture and shape perform better than the clinical columns, their combination better than each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, ValidationInfo, field_validator

from pipeline.demo.anatomy import View, draw_plan, draw_scene
from pipeline.demo.nodule import draw_nodule
from pipeline.demo.speckle import SiteParams, bmode
from pipeline.foundation.params import Params

BLOCK = 36  # patients per block in which cohorts and events are allocated
SIZE_RANGE_MM = (8.0, 20.0)
# Keys of the random streams: first the kind, then the block or patient, then the view and the image.
ALLOTMENT, PATIENT, ANATOMY, FRAME = range(4)
VIEWS: tuple[View, ...] = ("long", "trans")

Loading = Field(ge=-0.95, le=0.95)
Effect = Field(ge=0, le=5)
Chance = Field(ge=0, le=1)
Cohort = Literal["train", "internal", "external"]


class EffectParams(Params):
    """Cohen's d of each latent score between events and non-events."""

    shape: float = Effect
    texture: float = Effect
    clinical: float = Effect


class LoadingParams(Params):
    """Correlation of each clinical column with the clinical score."""

    age: float = Loading
    sex: float = Loading
    size_mm: float = Loading
    multifocality: float = Loading
    capsular_invasion: float = Loading


class AllotmentParams(Params):
    """One cohort: its sites, and its numbers of events and of non-events (`others`) in every block of patients."""

    sites: tuple[str, ...] = Field(min_length=1)
    events: int = Field(ge=0, le=BLOCK)
    others: int = Field(ge=0, le=BLOCK)


class DemoParams(Params):
    """`params/demo.yaml`."""

    n_patients: int = Field(ge=20, le=9999)
    effects: EffectParams
    loadings: LoadingParams
    missing: float = Field(ge=0, le=0.5)
    size_median_mm: float = Field(ge=8, le=16)
    trans_view: float = Chance
    second_long: float = Chance
    sites: dict[str, SiteParams] = Field(min_length=1)
    cohorts: dict[Cohort, AllotmentParams]

    @field_validator("cohorts")
    @classmethod
    def _whole_block_from_known_sites(
        cls, cohorts: dict[Cohort, AllotmentParams], info: ValidationInfo
    ) -> dict[Cohort, AllotmentParams]:
        known = set(info.data.get("sites", {}))
        total = sum(cohort.events + cohort.others for cohort in cohorts.values())
        if total != BLOCK:
            raise ValueError(f"Events and others of all cohorts must sum to {BLOCK}, not {total}")
        unknown = sorted({site for cohort in cohorts.values() for site in cohort.sites} - known)
        if known and unknown:
            raise ValueError(f"The sites {', '.join(unknown)} are not among {', '.join(sorted(known))}")
        return cohorts


@dataclass(frozen=True, kw_only=True)
class Patient:
    """One patient: position in the study, label, latent scores, clinical values (None = missing)."""

    index: int
    cohort: Cohort
    site: str
    label: int
    shape: float
    texture: float
    clinical: float
    size_mm: float
    columns: dict[str, float | int | str | None]

    @property
    def patient_id(self) -> str:
        """The id, zero-padded to four digits."""
        return f"P{self.index + 1:04d}"


def stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of one random stream; independent of all other streams and of earlier draws."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_patients(params: DemoParams, *, seed: int) -> list[Patient]:
    """Draw all patients; patient i is the same for any `n_patients`."""
    return [draw_patient(index, params, seed=seed) for index in range(params.n_patients)]


def draw_patient(index: int, params: DemoParams, *, seed: int) -> Patient:
    """Draw patient `index` (from 0): cohort and label by block allocation, scores around the mean of its label."""
    seats = [
        (name, label)
        for name, cohort in sorted(params.cohorts.items())
        for label, count in ((1, cohort.events), (0, cohort.others))
        for _ in range(count)
    ]
    order = stream(seed, ALLOTMENT, index // BLOCK).permutation(BLOCK)
    cohort, label = seats[order[index % BLOCK]]
    rng = stream(seed, PATIENT, index)
    sites = params.cohorts[cohort].sites
    site = sites[int(rng.integers(len(sites)))]
    effects = (params.effects.shape, params.effects.texture, params.effects.clinical)
    shape, texture, clinical = (float((label - 0.5) * d + rng.standard_normal()) for d in effects)
    columns, size_mm = _clinical_columns(clinical, params, rng=rng)
    return Patient(
        index=index, cohort=cohort, site=site, label=label, shape=shape, texture=texture, clinical=clinical,
        size_mm=size_mm, columns=columns,
    )  # fmt: skip


def _clinical_columns(
    score: float, params: DemoParams, *, rng: np.random.Generator
) -> tuple[dict[str, float | int | str | None], float]:
    """The clinical values, some of them missing, and the true diameter in mm, which the images always need."""
    normal = {
        name: r * score + np.sqrt(1.0 - r * r) * rng.standard_normal()
        for name, r in params.loadings.model_dump().items()
    }
    size_mm = float(np.clip(params.size_median_mm * np.exp(0.24 * normal["size_mm"]), *SIZE_RANGE_MM))
    columns: dict[str, float | int | str | None] = {
        "age": int(np.clip(np.rint(48.0 + 13.0 * normal["age"]), 18, 85)),
        "sex": "F" if normal["sex"] > -0.7 else "M",
        "size_mm": round(size_mm, 1),
        "multifocality": int(normal["multifocality"] > 0.5),
        "capsular_invasion": int(normal["capsular_invasion"] > 0.6),
    }
    for name in ("size_mm", "multifocality", "capsular_invasion"):
        if rng.random() < params.missing:
            columns[name] = None
    return columns, size_mm


def images_of(patient: Patient, params: DemoParams, *, seed: int) -> list[tuple[str, View, int]]:
    """The images of a patient: (image id, view, number within the view from 0)."""
    trans, second = stream(seed, PATIENT, patient.index, 1).random(2)
    found: list[tuple[str, View, int]] = [(f"{patient.patient_id}_long", "long", 0)]
    if second < params.second_long:
        found.append((f"{patient.patient_id}_long_2", "long", 1))
    if trans < params.trans_view:
        found.append((f"{patient.patient_id}_trans", "trans", 0))
    return found


def draw_frame(
    patient: Patient, view: View, number: int, params: DemoParams, *, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """One frame with its nodule mask and gland mask (0 / 255), all 8-bit of shape (y, x)."""
    site = params.sites[patient.site]
    key = (patient.index, VIEWS.index(view))
    anatomy, frame = stream(seed, ANATOMY, *key), stream(seed, FRAME, *key, number)
    nodule = draw_nodule(
        shape=patient.shape, texture=patient.texture, size_mm=patient.size_mm, anatomy=anatomy, frame=frame
    )
    scene = draw_scene(nodule, view, site, plan=draw_plan(nodule, view, site, rng=anatomy), rng=frame)
    grey = bmode(scene.level_db, site, rng=frame)
    return grey, scene.nodule.astype(np.uint8) * 255, scene.gland.astype(np.uint8) * 255


def write_patient(index: int, *, params: DemoParams, seed: int, out: Path) -> list[dict[str, object]]:
    """Draw patient `index`, write its PNG files under `out`, and return its rows of the manifest."""
    patient = draw_patient(index, params, seed=seed)
    rows: list[dict[str, object]] = []
    for image_id, view, number in images_of(patient, params, seed=seed):
        frames = zip(("images", "masks", "glands"), draw_frame(patient, view, number, params, seed=seed), strict=True)
        for folder, pixels in frames:
            (out / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(out / folder / f"{image_id}.png")
        rows.append(
            {
                "patient_id": patient.patient_id,
                "image": f"images/{image_id}.png",
                "mask": f"masks/{image_id}.png",
                "label": patient.label,
                "view": view,
                "site": patient.site,
                "cohort": patient.cohort,
                "gland_mask": f"glands/{image_id}.png",
            }
        )
    return rows


def clinical_table(patients: Sequence[Patient]) -> pd.DataFrame:
    """One row per patient: patient_id, age (years), sex, size_mm, multifocality and capsular_invasion (0 / 1)."""
    table = pd.DataFrame([{"patient_id": patient.patient_id, **patient.columns} for patient in patients])
    # Whole numbers with missing values would otherwise become 1.0 and 0.0.
    return table.astype({"age": "Int64", "multifocality": "Int64", "capsular_invasion": "Int64", "size_mm": "Float64"})
