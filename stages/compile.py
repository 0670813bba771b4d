"""compile: compile the kernels of the extraction and of the LASSO once, so that no later run has to wait for it."""

import logging
import time
from functools import partial

from pipeline.foundation.parallel import cores, map_cases
from pipeline.radiomics.compilation import GROUPS, compile_group
from pipeline.reduce.steps.compilation import compile_lasso
from stages.cli import run

log = logging.getLogger(__name__)


def main() -> None:
    """Fill the caches that are cold, one group of kernels per process."""
    start = time.monotonic()
    # The longest first: no group shares a kernel with another.
    groups: list[partial[bool]] = [partial(compile_lasso), *(partial(compile_group, one) for one in GROUPS)]
    log.info("looking for the compiled kernels of extraction and LASSO; compiling them takes about half a minute, once")
    compiled = list(map_cases(_called, groups, workers=min(cores(), len(groups))))
    log.info("compiled in %.0f s" if any(compiled) else "already compiled (%.0f s)", time.monotonic() - start)


def _called(group: "partial[bool]") -> bool:
    return group()


if __name__ == "__main__":
    run(main)
