"""The tables of `agreement`: features of repeated masks, and the agreement of each feature between them.

`data/repeats.csv` holds the radiomics of repeated masks, `data/repeats/<block>_<resample>_<part>.csv` those of a block
that describes regions: rings once (resample and part `all`), habitats by each clustering, on its own training patients.
"""

import re
from pathlib import Path

from pipeline.contracts.data.split import ALL
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import Contract, fraction, integer, number, text

RADIOMICS = "radiomics"  # the block of `repeats.csv`
FILE = re.compile(r"(habitat|peritumoral)_(.+)_(all|a|b)")
NO_FILES = "no_files.txt"  # in the folder of a study without habitats and rings

Place = tuple[str, str, str]  # block, resample and part

REPEATS = Contract(
    name="features of repeated masks",
    key=("image_id", "repeat"),
    columns=(
        text("image_id"),
        text("repeat"),  # 0 = the first mask
        text("status"),
        text("reason", required=False),
        fraction("dice", required=False),  # Dice coefficient with the first mask
    ),
    extra="number",
)

AGREEMENT = Contract(
    name="agreement of repeated masks",
    key=("block", "part", "feature"),
    columns=(
        text("block"),
        text("part"),  # of resample final; habitats differ by part
        text("feature"),
        text("form"),  # such as ICC(A,1)
        number("icc", required=False),
        number("ci_low", required=False),
        number("ci_high", required=False),
        integer("n_images"),
        integer("n_repeats"),  # masks per image, including the first
    ),
)


def repeats_path(table: Path, place: Place) -> Path:
    """The file of a block, resample and part that belongs to `table` (`repeats.csv`, that of the radiomics)."""
    return table if place[0] == RADIOMICS else table.with_suffix("") / f"{'_'.join(place)}.csv"


def repeats_files(table: Path) -> dict[Place, Path]:
    """`table` and the files in its folder, by block, resample and part.

    Raises TableError if a CSV in the folder is named for no block.
    """
    found = {(RADIOMICS, ALL, ALL): table}
    for path in sorted(table.with_suffix("").glob("*.csv")):
        name = FILE.fullmatch(path.stem)
        if name is None:
            raise TableError(f"{path}: is named for no block, resample and part; run agreement again")
        found[str(name[1]), str(name[2]), str(name[3])] = path
    return found
