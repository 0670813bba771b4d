"""What the folder of a study holds: patients and images by its importer, the form of the images by a few headers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

import pandas as pd

from pipeline.cohort.cohort import LABELLED, CohortParams, cohort_audit, read_source
from pipeline.cohort.importers.csv_rows import read_rows
from pipeline.cohort.importers.source import Source
from pipeline.contracts.data.cohort import COHORTS, NOT_CLINICAL
from pipeline.foundation.errors import CohortError, ImageError
from pipeline.foundation.source_root import broken_links
from pipeline.study.headers import Header, read_header, spread
from pipeline.study.layout import MANIFEST, Layout, find_layout
from pipeline.study.outcome import check_outcome

SHOWN = 3  # ids of one kind of fault


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study as found. `params` are those of the cohort that fit it; `faults` stop the stage cohort."""

    layout: Layout
    params: CohortParams
    source: Source
    headers: tuple[Header, ...]
    stale: tuple[str, ...]  # entries of `exclude` that name nothing in this folder
    faults: tuple[str, ...]

    @property
    def form(self) -> Literal["2-D", "3-D"]:
        """The form of the images whose headers were read; a mixture counts as 3-D, and is a fault."""
        return "3-D" if any(header.is_volume for header in self.headers) else "2-D"

    @property
    def views(self) -> Counter[str]:
        """Images by view."""
        return Counter(image.view for image in self.source.images)

    @property
    def lesions(self) -> Counter[str]:
        """Images by what marks their lesion: files, polygons, full (the whole image), none."""
        return Counter(image.lesion.kind if image.lesion else "none" for image in self.source.images)

    @property
    def second_masks(self) -> int:
        """Images with a second reader's mask."""
        return sum(image.second_mask is not None for image in self.source.images)

    @property
    def clinical(self) -> list[str]:
        """The clinical columns."""
        return [str(name) for name in self.source.patients.columns if name not in NOT_CLINICAL]

    @property
    def bytes_of_images(self) -> int:
        """The size of all image files, from that of the sampled ones."""
        sizes = [header.bytes_on_disk for header in self.headers]
        return round(fmean(sizes) * len(self.source.images)) if sizes else 0

    def class_counts(self) -> pd.DataFrame:
        """Patients by cohort (index; `all` if none is given), with the event and without it (columns 1, 0)."""
        patients = self.source.patients
        cohorts = patients["cohort"].fillna("none" if patients["cohort"].notna().any() else "all")
        counts = pd.crosstab(cohorts, patients["label"]).reindex(columns=[1, 0], fill_value=0)
        order = [name for name in (*COHORTS, "none", "all") if name in counts.index]
        return counts.reindex([*order, *(name for name in counts.index if name not in order)])


def study_folder(given: Path, *, project: Path) -> Path:
    """The absolute folder that the user names, `~` expanded; `project` is the folder of dvc.yaml.

    Raises CohortError if it is no readable folder, has a name that no command line can carry, or holds the project.
    """
    try:
        root = (project / given.expanduser()).absolute()
    except RuntimeError as error:
        raise CohortError(f"ROOT ({given}): there is no such home folder; give the whole path") from error
    root = root.resolve() if ".." in root.parts else root
    if root.is_symlink() and not root.exists():
        raise CohortError(f"ROOT ({given}): is a symbolic link whose target {root.readlink()} does not exist")
    if not root.is_dir():
        what = "is a file" if root.exists() else "there is no such folder"
        raise CohortError(f"ROOT ({given}): {what}; give the folder that holds the study (looked for {root})")
    if unusable := sorted(set('"\\$`\n') & set(str(root))):
        raise CohortError(f"ROOT ({root}): the name has the character {unusable[0]!r}, which no stage can pass on")
    if project.resolve().is_relative_to(root.resolve()) or root.resolve() == (project / "data").resolve():
        raise CohortError(f"ROOT ({root}): holds the project's own data/; give a folder with nothing but the study")
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise CohortError(f"ROOT ({root}): is not readable ({error.strerror}); change its permissions") from error
    return root


def look(root: Path, *, params: CohortParams, same_root: bool) -> Study:
    """Read the tables and file names of the study at `root`, and at most 20 headers spread over its images.

    `params` so far; their settings are kept as far as they fit. Raises CohortError if the folder is no source, its
    outcome is not named, it has no image, or a folder in it is not readable; every other fault is listed.
    """
    try:
        return _look(root, params=params, same_root=same_root)
    except OSError as error:
        raise CohortError(f"{error.filename or root}: is not readable ({error.strerror}); correct it") from error


def _look(root: Path, *, params: CohortParams, same_root: bool) -> Study:
    layout = find_layout(root, chosen=params, same_root=same_root)
    fitting = _fitting(params, layout=layout, root=root)
    source = read_source(root, params=fitting)
    stale = [] if same_root else [f.id for f in source.findings if f.check == "exclude_unknown"]
    if stale:
        kept = {case: why for case, why in fitting.exclude.items() if case not in stale}
        fitting = fitting.model_copy(update={"exclude": kept})
        source = read_source(root, params=fitting)
    if not source.images:
        raise CohortError(
            f"{root}: is of the source {layout.source}, and no image was found in it; {_what_is_in(root)}"
        )
    headers, unreadable = _headers(source)
    links = [fault] if (fault := broken_links(root)) else []
    faults = [*_audit(source, root=root, params=fitting), *_absent(source), *links, *unreadable]
    return Study(
        layout=layout,
        params=fitting,
        source=source,
        headers=tuple(headers),
        stale=tuple(stale),
        faults=(*faults, *_mixed(headers)),
    )


def _fitting(params: CohortParams, *, layout: Layout, root: Path) -> CohortParams:
    """`params` with the source and the tables of the layout; the whole image is the lesion if no mask is named."""
    if getattr(params, layout.source) is None:
        raise CohortError(
            f"params/cohort.yaml: has no section '{layout.source}', and {root} is of that source; add the section"
        )
    positive = params.label_positive if layout.source in LABELLED else None
    changes: dict[str, object] = {"source": layout.source, "label_positive": positive}
    if layout.source == MANIFEST and layout.table and params.manifest:
        table = root / layout.table
        check_outcome(table, clinical=root / layout.clinical if layout.clinical else None)
        rows = read_rows(table)
        masks = "mask" in rows and (rows["mask"] != "").any()
        own = {"table": layout.table, "clinical": layout.clinical, "roi": params.manifest.roi if masks else "full"}
        changes[MANIFEST] = params.manifest.model_copy(update=own)
    return params.model_copy(update=changes)


def _headers(source: Source) -> tuple[list[Header], list[str]]:
    """Headers spread over the images that exist, and one fault per header that is not readable."""
    headers, faults = [], []
    for image in spread([image.image for image in source.images if image.image.exists()]):
        try:
            headers.append(read_header(image))
        except (ImageError, OSError) as error:
            faults.append(str(error))
    return headers, faults


def _audit(source: Source, *, root: Path, params: CohortParams) -> Iterator[str]:
    """The errors of the audit that need no image: one sentence per check, with the number of further cases."""
    found = [f for f in cohort_audit(source, imported=(), root=root, params=params) if f.severity == "error"]
    checks: dict[str, list[str]] = {}
    for finding in found:
        message = finding.message if finding.id in finding.message else f"{finding.id} {finding.message}"
        checks.setdefault(finding.check, []).append(message)
    for check, messages in checks.items():
        more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
        yield f"{messages[0]}{more} [{check}]"


def _absent(source: Source) -> Iterator[str]:
    """Files that a table names and that do not exist."""
    images = [image.image for image in source.images]
    masks = [file for image in source.images if image.lesion for file in image.lesion.files]
    for kind, paths in (("image", images), ("mask", masks)):
        if absent := [path for path in paths if not path.exists()]:
            yield f"{_count(len(absent), kind)} of {len(paths)} absent ({_first(absent)}); add or correct them"


def _mixed(headers: Sequence[Header]) -> Iterator[str]:
    volumes = [header.name for header in headers if header.is_volume]
    flat = [header.name for header in headers if not header.is_volume]
    if volumes and flat:
        yield f"{volumes[0]} has several slices and {flat[0]} has one; a study is 2-D or 3-D: keep images of one form"


def _what_is_in(root: Path) -> str:
    """What the folder and its folders hold, of which an importer made nothing."""
    folders = sorted(path for path in root.iterdir() if path.is_dir())[:SHOWN]
    held = {folder.name: sorted(path.name for path in folder.iterdir())[:SHOWN] for folder in folders}
    inside = [f"{name} holds {', '.join(names) or 'nothing'}" for name, names in held.items()]
    return f"{'; '.join(inside) or 'it holds no folder'}: put the images where README shows them for this source"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _first(paths: Sequence[Path]) -> str:
    names = ", ".join(path.name for path in paths[:SHOWN])
    return f"first {names}" if len(paths) > 1 else names
