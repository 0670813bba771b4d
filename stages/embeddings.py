"""embeddings: write embeddings of a network as one CSV, of one resample or of all; no step of dvc.yaml."""

import logging

from pipeline.contracts.data.embed import Embeddings, read_embeddings
from pipeline.contracts.data.split import ALL
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.files import whole_file
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Read the network's CSV and the files of its other resamples; write the requested rows, sorted by their key."""
    parser = arguments(__doc__, paths=("features", "out"), words=("net", "resample"))
    parser.add_argument("--part", help="a, b or all (without it, every part of the resample)")
    given = parser.parse_args()
    table = given.features / f"{given.net}.csv"
    if not table.exists():
        nets = (
            sorted(path.name for path in given.features.iterdir() if path.is_dir()) if given.features.is_dir() else []
        )
        known = ", ".join(nets) or "none"
        raise PipelineError(f"--net {given.net}: {given.features} has no such network; the networks are: {known}")
    embedded = read_embeddings(table)
    rows = requested(embedded, resample=given.resample, part=given.part)
    with whole_file(given.out) as stream:
        for number, (resample, part) in enumerate(rows):
            frame = embedded.frame(resample, part).reset_index()
            frame.insert(0, "part", part)
            frame.insert(0, "resample", resample)
            frame.to_csv(stream, index=False, header=number == 0, lineterminator="\n", encoding="utf-8")
    count = sum(len(embedded.ids[one]) for one in rows)
    log.info("%s: %d rows of %d columns, %d resamples and parts", given.out, count, len(embedded.columns), len(rows))


def requested(embedded: Embeddings, *, resample: str, part: str | None) -> list[tuple[str, str]]:
    """The resamples and parts to write, sorted; resample `all` is every resample.

    Raises PipelineError if there is none.
    """
    known = sorted(embedded.ids)
    rows = [one for one in known if resample in (one[0], ALL) and part in (one[1], None)]
    if not rows:
        there = ", ".join(" ".join(one) for one in known)
        raise PipelineError(
            f"--resample {resample}{'' if part is None else f' --part {part}'}: there are no such rows; the resamples "
            f"and parts are: {there}; or {ALL} for every resample"
        )
    return rows


if __name__ == "__main__":
    run(main)
