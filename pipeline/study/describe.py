"""What was found and what is proposed, as lines of text."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.study.look import Study
from pipeline.study.params_text import Change

LESIONS = {
    "files": "with mask files",
    "polygons": "with contours",
    "full": "with the whole image as lesion",
    "none": "without a mask",
}
DEMO_SIDE_PX = 64


def description(study: Study) -> list[str]:
    """One sentence per topic: source, tables, images, views and sites, classes."""
    layout, images = study.layout, len(study.source.images)
    tables = f" in {layout.table}" if layout.table else ""
    lesions = ", ".join(f"{number} {LESIONS[kind]}" for kind, number in sorted(study.lesions.items()))
    lines = [
        f"source {layout.source}{tables}: {len(study.source.patients)} patients with {images} images, {lesions}",
        _form(study),
        f"views: {_counted(study.views)}; sites: {_sites(study)}",
        _clinical(study),
        *(
            f"cohort {name}: {int(counts[1])} patients with the event, {int(counts[0])} without"
            for name, counts in study.class_counts().iterrows()
        ),
    ]
    if study.source.dropped:
        lines.append(f"{len(study.source.dropped)} images or patients are excluded by the rules of params/cohort.yaml")
    return lines


def _form(study: Study) -> str:
    read = len(study.headers)
    known = [header.spacing_mm for header in study.headers if header.spacing_mm]
    if not known:
        spacing = "the files give no spacing, so lengths are in px"
    else:
        axes = [" to ".join(dict.fromkeys(f"{f(axis):.3g}" for f in (min, max))) for axis in zip(*known, strict=False)]
        unknown = f", unknown in {read - len(known)}" if read > len(known) else ""
        spacing = f"spacing {' x '.join(axes)} mm{unknown}"
    return f"{study.form}, {spacing} ({read} headers read, spread over all {len(study.source.images)} images)"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number} images)" for name, number in sorted(counts.items()))


def _sites(study: Study) -> str:
    sites = study.source.patients["site"].dropna().value_counts().sort_index()
    return ", ".join(f"{name} ({number} patients)" for name, number in sites.items()) or "none given"


def _clinical(study: Study) -> str:
    if not study.clinical:
        return "no clinical columns"
    place = f" in {study.layout.clinical}" if study.layout.clinical else ""
    return f"clinical columns{place}: {', '.join(study.clinical)}"


def remarks(study: Study, *, contents: Mapping[str, Mapping[str, Any]], is_demo: bool) -> Iterator[str]:
    """What is left to the user, one sentence each."""
    for name in study.layout.others:
        yield (
            f"{name} has a column patient_id and is not used: name it in params/cohort.yaml under manifest.clinical if "
            "it is clinical, under manifest.blocks if it holds features"
        )
    if study.second_masks and contents["agreement"]["source"] != "second_reader":
        yield (
            f"{study.second_masks} images have a second reader's mask: source: second_reader in params/agreement.yaml "
            "would use them"
        )
    sets = contents["fusion"]["sets"].values()
    if study.clinical and not any("clinical" in blocks for blocks in sets):
        yield "there are clinical columns, and no set of params/fusion.yaml uses the block clinical"
    if contents["compare"]["primary"] is None:
        yield "params/compare.yaml declares no primary comparison (primary: null), so that none is confirmatory"
    if not is_demo and contents["embed"]["input"]["image_size_px"] == DEMO_SIDE_PX:
        yield "params/embed.yaml has the demo's 64 px and 5 epochs, chosen for speed; 224 px is usual"


def diff(file: str, before: str, after: str) -> str:
    """The unified diff of a params file."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), fromfile=f"params/{file}", tofile=f"params/{file}", lineterm=""
    )
    return "\n".join(lines)


def reasons(changes: Sequence[Change]) -> list[str]:
    """One line per change: file, key and why."""
    return [f"params/{c.file}, {'.'.join(c.key)}: {c.reason}" for c in changes]
