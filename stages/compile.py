"""compile: compile the kernels of the extraction and of the LASSO once, so that no later run has to wait for it."""

import logging
import time

from pipeline.radiomics.compilation import compile_engine
from pipeline.reduce.steps.compilation import compile_lasso
from stages.cli import run

log = logging.getLogger(__name__)


def main() -> None:
    """Fill the caches that are cold."""
    start = time.monotonic()
    compiled = [compile_engine(), compile_lasso()]
    log.info("compiled in %.0f s" if any(compiled) else "already compiled (%.0f s)", time.monotonic() - start)


if __name__ == "__main__":
    run(main)
