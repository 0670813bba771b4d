"""A small clean study of drawn ultrasound-like images on disk, and the same study with one leak planted in its data.

Each leak is a function that changes the drawn study before it is written; it changes nothing else, so that a light that
turns has turned for that leak alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, gaussian_filter

HEIGHT_PX, WIDTH_PX = 112, 128
EVENTS, NON_EVENTS = 44, 52
CONTRAST_SD = 1.6  # by how much events are darker in the lesion, in SD of the contrast between patients
Pixels = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(kw_only=True)
class Lesion:
    """One patient with one image: `frame` (y, x) of 0 to 255, `mask` (y, x), and the rows of both tables."""

    patient: str
    label: int
    site: str
    frame: Pixels
    mask: Mask
    quality: int | None = None  # of a JPEG; None = PNG
    clinic: dict[str, object] = field(default_factory=dict)
    deep: float = 0.0  # what the ready-made block knows of the patient


Study = list[Lesion]


def clean(seed: int = 5) -> Study:
    """96 patients at two sites. Only the echo of the lesion's tissue and, weakly, age are associated with the event."""
    random = np.random.default_rng(seed)
    labels = random.permutation([1] * EVENTS + [0] * NON_EVENTS)
    return [_lesion(number, label=int(label), random=random) for number, label in enumerate(labels)]


def _lesion(number: int, *, label: int, random: np.random.Generator) -> Lesion:
    mask = _ellipse(random)
    contrast = 0.62 + 0.06 * (random.normal() - CONTRAST_SD * label)
    frame = _speckle(random)
    # The border of the lesion is blurred, as a beam would blur it.
    frame *= 1 - (1 - max(contrast, 0.2)) * gaussian_filter(mask.astype(np.float64), 1.5)
    frame[:8], frame[:, :8] = 0, 0  # the black margin in which scanners write
    clinic: dict[str, object] = {"age": int(np.clip(random.normal(52 + 4 * label, 12), 20, 90))}
    clinic["sex"] = "F" if random.random() < 0.6 else "M"
    site = "Leeds" if random.random() < 0.5 else "York"
    return Lesion(patient=f"P{number:03d}", label=label, site=site, frame=frame, mask=mask, clinic=clinic)


def _ellipse(random: np.random.Generator) -> Mask:
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    a, b = random.uniform(11, 17), random.uniform(9, 13)
    cy, cx = random.uniform(36, 78), random.uniform(38, 90)
    angle = random.uniform(-0.4, 0.4)
    u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    return np.asarray((u / a) ** 2 + (v / b) ** 2 <= 1)


def _speckle(random: np.random.Generator) -> Pixels:
    """Speckle over smooth tissue, darker with depth."""
    tissue = 1 + 0.5 * gaussian_filter(random.normal(size=(HEIGHT_PX, WIDTH_PX)), 8) * 8
    real, imaginary = (gaussian_filter(random.normal(size=(HEIGHT_PX, WIDTH_PX)), 1.0) for _ in range(2))
    depth = np.linspace(1.0, 0.7, HEIGHT_PX)[:, None]
    return np.asarray(np.clip(260 * np.hypot(real, imaginary) * np.clip(tissue, 0.4, 1.8) * depth + 20, 0, 235))


def near_duplicate(study: Study) -> Study:
    """The frame of one patient, cut by 4 % on two sides and saved as JPEG, is the image of another."""
    first = study[0]
    top, left = round(0.04 * HEIGHT_PX), round(0.04 * WIDTH_PX)
    frame, mask = first.frame[top:, left:], first.mask[top:, left:]
    other = next(one for one in study[1:] if one.label == first.label)
    other.frame, other.mask, other.quality = frame, mask, 75
    return study


def two_ids(study: Study) -> Study:
    """The image of one patient stands under a second id, brightened, as after a change of the hospital's system."""
    first = study[0]
    other = next(one for one in study[1:] if one.label == first.label)
    other.frame, other.patient = np.clip(first.frame * 1.15 + 6, 0, 255), "Q917"
    other.mask = np.asarray(binary_dilation(first.mask))  # drawn anew
    return study


def ids_alike(study: Study) -> Study:
    """One patient stands under ids that differ by case, another by Unicode form."""
    study[1].patient = study[0].patient.lower()
    study[2].patient, study[3].patient = "Jos\u00e9-1", "JOSE\u0301-1"
    return study


def burned_grade(study: Study) -> Study:
    """The grade is burned in right above the lesion: 2 without the event, 4c with it."""
    for one in study:
        ys, xs = np.nonzero(one.mask)
        _write(one, text="4c" if one.label else "2", x_px=int(xs.min()), y_px=int(ys.min()) - 13)
    return study


def frame_mark(study: Study) -> Study:
    """The scanner's margin holds the name of the examination: of the biopsy room with the event."""
    for one in study:
        _write(one, text="BX" if one.label else "US", x_px=2, y_px=-2)
    return study


def _write(one: Lesion, *, text: str, x_px: int, y_px: int) -> None:
    image = Image.fromarray(one.frame.astype(np.uint8))
    ImageDraw.Draw(image).text((x_px, y_px), text, fill=255)
    one.frame = np.asarray(image, dtype=np.float64)


def calliper(study: Study) -> Study:
    """Crosses of a calliper at both ends of the lesion, drawn for events alone."""
    for one in study:
        if one.label:
            ys, xs = np.nonzero(one.mask)
            left, right = xs.argmin(), xs.argmax()
            for y, x in ((ys[left], xs[left] - 2), (ys[right], xs[right] + 2)):
                one.frame[y - 3 : y + 4, x] = 255
                one.frame[y, x - 3 : x + 4] = 255
    return study


def dilated_outline(study: Study) -> Study:
    """The outlines of events are drawn wider, by someone who knew them."""
    for one in study:
        if one.label:
            one.mask = np.asarray(binary_dilation(one.mask, iterations=4))
    return study


def site_confounded(study: Study) -> Study:
    """Most events come from one site, whose scanner is brighter."""
    random = np.random.default_rng(2)
    for one in study:
        one.site = "Leeds" if (random.random() < 0.9) == bool(one.label) else "York"
        if one.site == "Leeds":
            one.frame = np.clip(one.frame * 1.5, 0, 255)
    return study


def scanner_gain(study: Study) -> Study:
    """Events were scanned with more gain."""
    for one in study:
        one.frame = np.clip(one.frame * (1.3 if one.label else 1.0), 0, 255)
    return study


def restating_column(study: Study) -> Study:
    """A clinical column that is known only after the outcome."""
    for one in study:
        one.clinic["operation"] = "lobectomy" if one.label else "none"
    return study


def block_of_all(study: Study) -> Study:
    """The ready-made block comes from a model that was trained on all patients, and nobody remembers that."""
    for one in study:
        one.deep = 3.0 * one.label
    return study


LEAKS: dict[str, Callable[[Study], Study]] = {
    leak.__name__: leak
    for leak in (
        near_duplicate,
        two_ids,
        ids_alike,
        burned_grade,
        frame_mark,
        calliper,
        dilated_outline,
        site_confounded,
        scanner_gain,
        restating_column,
        block_of_all,
    )
}


def write_study(study: Study, *, folder: Path) -> None:
    """The study as a user has it: images, masks, `manifest.csv`, `clinical.csv`, and a ready-made block `deep.csv`."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for number, one in enumerate(study):
        image, mask = f"images/{number:03d}.{'jpg' if one.quality else 'png'}", f"masks/{number:03d}.png"
        options = {"quality": one.quality} if one.quality else {}
        Image.fromarray(one.frame.astype(np.uint8)).save(folder / image, **options)
        Image.fromarray(one.mask.astype(np.uint8) * 255).save(folder / mask)
        rows.append({"patient_id": one.patient, "image": image, "mask": mask, "label": one.label, "site": one.site})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    patients = [one.patient for one in study]
    pd.DataFrame([one.clinic for one in study]).assign(patient_id=patients).to_csv(folder / "clinical.csv", index=False)
    random = np.random.default_rng(3)
    deep = pd.DataFrame(random.normal(size=(len(study), 8)), columns=[f"d{i}" for i in range(8)])
    deep["d0"] += [one.deep for one in study]
    deep.assign(patient_id=patients).to_csv(folder / "deep.csv", index=False)
