"""compile: compile the kernels of the extraction and of the LASSO once, so that no later run has to wait for it."""

import logging
import time
from functools import partial

from pipeline.foundation.parallel import cores, map_cases
from pipeline.radiomics.compilation import GROUPS, compile_group, is_compiled
from pipeline.reduce.steps.compilation import compile_lasso, lasso_is_compiled
from stages.cli import run

log = logging.getLogger(__name__)


def main() -> None:
    """Fill the caches that are cold, one group of kernels per process."""
    start = time.monotonic()
    # The longest first: no group shares a kernel with another.
    cold = [] if lasso_is_compiled() else [partial(compile_lasso)]
    cold += [partial(compile_group, group) for group in GROUPS if not is_compiled(group)]
    if cold:
        log.info("compiling the kernels of extraction and LASSO (once, about half a minute)")
        list(map_cases(_called, cold, workers=min(cores(), len(cold))))
    log.info("compiled in %.0f s" if cold else "already compiled (%.0f s)", time.monotonic() - start)


def _called(group: "partial[bool]") -> bool:
    return group()


if __name__ == "__main__":
    run(main)
