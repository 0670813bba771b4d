"""The tables and files of `habitat`: what became of each image, and the clusters of each resample and part.

`data/habitat/clusters/<resample>_<part>.json` holds one clustering, `data/habitat/labels/<image_id>.nrrd` the habitats
of an image in resample `final` on the grid of its ROI (0 = outside the lesion), `data/habitat/status.csv` a row per
image, and `data/habitat/dictionary.csv` the definition of each column of both blocks. Without the block `habitat` there
is no clustering and no label map.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.foundation.errors import TableError
from pipeline.foundation.files import whole_file
from pipeline.foundation.tables import Contract, text

ABSENT = "_absent"  # ends the name of an indicator: the features of a habitat or ring are empty
CLUSTERS, LABELS, STATUS_FILE, DICTIONARY_FILE = "clusters", "labels", "status.csv", "dictionary.csv"

STATUS = Contract(
    name="status of habitats and rings",
    key=("block", "resample", "image_id"),
    columns=(
        text("block", choices=("habitat", "peritumoral")),
        text("resample"),  # `all` if the mask is the same in every resample
        text("image_id"),
        text("part", required=False),  # whose clusters gave the label map (resample final)
        text("status"),
        text("reason", required=False),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """The clusters of one resample and part, darkest first, and how they were found.

    `means` and `sds` scale the voxel features (`features`, p of them); `centres` (k, p) lie on that scale; a Gaussian
    mixture has `covariances` (k, p, p) and `weights` (k) too. `scores` are those of each number of clusters tried.
    """

    resample: str
    part: str
    method: str
    k: int
    features: tuple[str, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    covariances: tuple[tuple[tuple[float, ...], ...], ...] | None
    weights: tuple[float, ...] | None
    score: str | None
    scores: dict[str, float]
    n_voxels: int
    n_patients: int
    trained_ids_sha256: str

    @property
    def name(self) -> str:
        """`<resample>_<part>`, the stem of its file."""
        return f"{self.resample}_{self.part}"


def write_clustering(clustering: Clustering, folder: Path) -> None:
    """Write `folder/<resample>_<part>.json`. Raises OSError if the file cannot be written."""
    with whole_file(folder / f"{clustering.name}.json") as stream:
        stream.write((json.dumps(asdict(clustering), indent=1, sort_keys=True) + "\n").encode())


def read_clusterings(folder: Path) -> dict[tuple[str, str], Clustering]:
    """Every clustering in `folder`, by resample and part. Raises TableError for a file that is damaged or misnamed."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            one = Clustering(**{name: _frozen(value) for name, value in content.items()})
        except (ValueError, TypeError) as error:
            raise TableError(f"{path}: not readable as a clustering ({error}); run habitat again") from error
        if path.stem != one.name or len(one.centres) != one.k:
            raise TableError(f"{path}: holds {one.k} clusters of {one.name}, against its name; run habitat again")
        found[one.resample, one.part] = one
    return found


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
