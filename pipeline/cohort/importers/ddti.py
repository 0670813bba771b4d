"""DDTI, the Digital Database of Thyroid Ultrasound Images (Pedraza et al., SPIE 10th SIPAIM, 2015).

`images/<case>_<n>.jpg` and `xml/<case>.xml`; a case is a patient. The label is derived from the TI-RADS grade.
"""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
from pydantic import model_validator

from pipeline.cohort.findings import Finding, Scope, Severity
from pipeline.cohort.importers.exclusion import OutlineRule, Rule, apply_rules
from pipeline.cohort.importers.paths import image_files, image_ids, image_stem, source_folder
from pipeline.cohort.importers.source import LesionSource, Polygon, Source, SourceImage
from pipeline.foundation.params import Params

DESCRIPTORS = ("composition", "echogenicity", "margins", "calcifications")


class DdtiParams(Params):
    """How TI-RADS becomes a label, and what happens to cases without a grade and to images without a contour."""

    positive: tuple[str, ...] = ("4a", "4b", "4c", "5")
    negative: tuple[str, ...] = ("2", "3")
    unlabelled: Rule = "drop"
    no_outline: OutlineRule = "drop"
    descriptors: bool = False  # adds composition, echogenicity, margins and calcifications to the clinical block

    @model_validator(mode="after")
    def _grades(self) -> "DdtiParams":
        if not self.positive or not self.negative or set(self.positive) & set(self.negative):
            raise ValueError("Positive and negative each need at least one TI-RADS grade, and share none")
        return self


def read(root: Path, *, params: DdtiParams) -> Source:
    """Read DDTI: contours as polygons in pixels, age (years) and sex (F, M) as clinical columns.

    An image with a truncated contour text counts as one without a contour (a subset of the points would be a different
    shape); an arrow is not a contour. Raises CohortError if `images` or `xml` is missing.
    """
    source_folder(root, holds=("images", "xml"))
    files = {image_stem(path): path for path in image_files(root / "images")}
    findings: list[Finding] = []
    contours: dict[str, LesionSource | None] = {}
    records: dict[str, dict[str, Any]] = {}
    for path in sorted((root / "xml").glob("*.xml"), key=lambda path: path.name):
        case = _read_xml(path, findings)
        if case is None:
            continue
        records[path.stem] = _record(case, path.stem, params, findings)
        contours |= _contours(case, path.stem, findings)
    for name in sorted(set(contours) - set(files)):
        _note(
            findings, name, "image_missing", "error", f"the XML marks an image {name} that is not in the folder images"
        )
    source = Source(
        images=_images(files, contours, root),
        patients=_patients(records, files, params, findings),
        findings=findings,
    )
    grades: dict[tuple[Scope, str], str] = {
        ("patient", case): f"TI-RADS {record['tirads'] or 'empty'}" for case, record in records.items()
    }
    source = apply_rules(source, unlabelled=params.unlabelled, no_outline=params.no_outline, places=grades)
    kept = [records[case] for case in source.patients["patient_id"] if case in records]
    return replace(source, findings=[*source.findings, *_column_findings(kept, params)])


def _read_xml(path: Path, findings: list[Finding]) -> ET.Element | None:
    try:
        return ET.parse(path).getroot()
    except (ET.ParseError, OSError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError
        message = f"{path.name} is not readable as XML ({error}); download it again"
        findings.append(
            Finding(scope="patient", id=path.stem, check="xml_unreadable", severity="error", message=message)
        )
        return None


def _text(element: ET.Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _record(case: ET.Element, name: str, params: DdtiParams, findings: list[Finding]) -> dict[str, Any]:
    """Grade, age, sex and descriptors of a case; empty text = missing."""
    age = pd.to_numeric(_text(case, "age") or math.nan, errors="coerce")
    if _text(case, "age") and not 0 < age < 120:
        message = f"age '{_text(case, 'age')}' of patient {name} is not a valid age in years; taken as missing"
        findings.append(Finding(scope="patient", id=name, check="age", severity="warning", message=message))
        age = math.nan
    sex = _text(case, "sex").upper()
    return {
        "tirads": _text(case, "tirads").lower(),
        "age": float(age),
        "sex": sex if sex in ("F", "M") else None,
        "sex_given": sex,
        **{column: _text(case, column) or None for column in DESCRIPTORS if params.descriptors},
    }


def _contours(case: ET.Element, name: str, findings: list[Finding]) -> dict[str, LesionSource | None]:
    """The contours of each image that a case marks; None if there is none, or if their text is truncated."""
    polygons: dict[str, list[Polygon]] = {}
    broken: set[str] = set()
    for mark in case.findall("mark"):
        image = f"{name}_{_text(mark, 'image')}"
        known = polygons.setdefault(image, [])
        text = mark.findtext("svg") or ""
        regions = _regions(text)
        if regions is None:
            broken.add(image)
            message = f"the contour text of image {image} ({len(text)} characters) is truncated or no list of regions; "
            _note(findings, image, "cut_polygon_text", "warning", message + "it is not used")
            continue
        for region in regions:
            polygon = _polygon(region, image, findings)
            if polygon in known:
                _note(
                    findings, image, "repeated_outline", "info", f"image {image} has the same contour twice; used once"
                )
            elif polygon:
                known.append(polygon)
    return {
        image: LesionSource(kind="polygons", polygons=tuple(found)) if found and image not in broken else None
        for image, found in polygons.items()
    }


def _regions(text: str) -> list[Any] | None:
    """The regions that a mark lists; None if its text is truncated or no list."""
    try:
        regions = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError):  # ValueError: no JSON, or a number of thousands of digits
        return None
    return regions if isinstance(regions, list) else None


def _polygon(region: Any, image: str, findings: list[Finding]) -> Polygon | None:
    """The corners of one region in pixels, or None with a finding if it is not a contour."""
    kind = region.get("regionType") if isinstance(region, dict) else None
    if kind != "freehand":
        _note(findings, image, "not_an_outline", "info", f"image {image}: a region of type '{kind}' is not a contour")
        return None
    try:
        corners = tuple((float(point["x"]), float(point["y"])) for point in region["points"])
    except (KeyError, TypeError, ValueError, OverflowError):
        corners = ()
    if len(set(corners)) < 3 or not all(math.isfinite(value) for corner in corners for value in corner):
        message = f"image {image}: a contour of {len(set(corners))} points encloses no area; it is not used"
        _note(findings, image, "short_outline", "warning", message)
        return None
    return corners


def _images(files: dict[str, Path], contours: dict[str, LesionSource | None], root: Path) -> list[SourceImage]:
    images = [
        SourceImage(image_id=image_id, patient_id=_case_of(name), image=path, lesion=contours.get(name))
        for image_id, (name, path) in zip(image_ids(list(files.values()), root=root), files.items(), strict=True)
    ]
    return sorted(images, key=lambda image: image.image_id)


def _case_of(name: str) -> str:
    """The case of an image name: `106_3` is image 3 of case 106."""
    return name.rpartition("_")[0] or name


def _patients(
    records: dict[str, dict[str, Any]], files: dict[str, Path], params: DdtiParams, findings: list[Finding]
) -> pd.DataFrame:
    """One row per case, sorted; a case without XML has no label."""
    without = sorted({_case_of(name) for name in files} - set(records) - {f.id for f in findings})
    for case in without:
        message = f"patient {case} has images but no {case}.xml, hence no label"
        findings.append(Finding(scope="patient", id=case, check="xml_missing", severity="warning", message=message))
    grades = dict.fromkeys(params.positive, 1) | dict.fromkeys(params.negative, 0)
    columns = ["age", "sex", *(DESCRIPTORS if params.descriptors else ())]
    rows = [
        {"patient_id": case, "label": grades.get(records.get(case, {}).get("tirads", "")), **records.get(case, {})}
        for case in sorted([*records, *without])
    ]
    table = pd.DataFrame(rows, columns=["patient_id", "label", "site", "cohort", *columns])
    texts = dict.fromkeys(["patient_id", "site", "cohort", *columns[1:]], "str")
    return table.astype({"label": "Int64", "age": "float64", **texts})


def _column_findings(records: list[dict[str, Any]], params: DdtiParams) -> list[Finding]:
    """Missing values in the clinical columns of the kept cases, and the warning about the descriptors."""
    empty = {
        "age": sum(math.isnan(record["age"]) for record in records),
        "sex": sum(not record["sex_given"] for record in records),
    }
    unknown = sum(bool(record["sex_given"]) and not record["sex"] for record in records)
    messages = {column: f"{column} is empty in {n} of {len(records)} cases" for column, n in empty.items() if n}
    if unknown:
        start = f"{messages['sex']} and" if "sex" in messages else "sex is"
        messages["sex"] = f"{start} not F or M in {unknown} of {len(records)} cases; taken as missing"
    findings = [
        Finding(scope="column", id=column, check="missing_values", severity="info", message=message)
        for column, message in messages.items()
    ]
    if params.descriptors:
        message = (
            f"{', '.join(DESCRIPTORS)} define TI-RADS and so restate the label: results with them are not a prediction"
        )
        findings.append(
            Finding(scope="column", id="descriptors", check="restates_label", severity="warning", message=message)
        )
    return findings


def _note(findings: list[Finding], image: str, check: str, severity: Severity, message: str) -> None:
    findings.append(Finding(scope="image", id=image, check=check, severity=severity, message=message))
