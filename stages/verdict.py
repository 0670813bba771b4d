"""verdict: fail the run if a self-test is red, after the report has been made."""

import logging

from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import read_yaml
from pipeline.foundation.tables import read_table
from pipeline.selftest.lights import check_lights
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Read the lights; stop with one sentence if one is red, else log how many there are of each colour."""
    given = arguments(__doc__, paths=("params", "lights", "report")).parse_args()
    allow_insample = read_yaml(given.params).get("allow_insample")
    if not isinstance(allow_insample, bool):
        raise ParamsError(f"{given.params}: key 'allow_insample' ({allow_insample}) must be true or false")
    lights = read_table(given.lights, SELFTEST)

    check_lights(lights, allow_insample=allow_insample, place=str(given.lights), report=str(given.report))
    counts = lights["light"].value_counts()
    log.info("%s", ", ".join(f"{count} {light}" for light, count in counts.sort_index().items()))


if __name__ == "__main__":
    run(main)
