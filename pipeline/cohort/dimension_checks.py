"""Images of 2-D and of 3-D in one cohort: filters, shape features and presets hold for one of the two."""

from collections.abc import Iterable

from pipeline.cohort.findings import Finding, error

SHOWN = 5  # ids of each kind


def dimension_findings(axes_of: Iterable[tuple[str, int]]) -> list[Finding]:
    """One error finding if images of both kinds are there; `axes_of` = image_id and its number of axes (2 or 3)."""
    ids: dict[int, list[str]] = {2: [], 3: []}
    for image_id, axes in axes_of:
        ids[axes].append(image_id)
    if not ids[2] or not ids[3]:
        return []
    message = f"{_listed(ids[2], '2-D')}, {_listed(ids[3], '3-D')}; features of the two cannot be compared: "
    message += "correct the paths, or exclude the images of one kind"
    return [error("images", scope="cohort", check="dimensions_mixed", message=message)]


def _listed(ids: list[str], kind: str) -> str:
    more = ", …" if len(ids) > SHOWN else ""
    count = "1 image is" if len(ids) == 1 else f"{len(ids)} images are"
    return f"{count} {kind} ({', '.join(sorted(ids)[:SHOWN])}{more})"
