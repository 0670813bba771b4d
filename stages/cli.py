"""Shared by all command lines: flags, logging, progress, run-time settings, one-line errors with exit code 1.

Run-time settings change how fast a stage runs but no number it writes, so they are environment variables:
FUSION_WORKERS (processes; default: one per core, for work that takes longer than their start), FUSION_SCHEDULER
(address of a Dask scheduler, default: this machine), FUSION_DEVICE (cpu, cuda, cuda:1 …; default: cuda if there is
one), FUSION_SCRATCH (checkpoints, default `.scratch`), FUSION_STORE (finished cases that outlive the run, default
`store` in the scratch folder; it may be shared by users and machines), FUSION_STORE_GB (size the store is cut back to
at the end of a stage, default 5; 0: nothing outlives the stage).
"""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import PipelineError, machine_fault

T = TypeVar("T")
WATCHED_EVERY_S = 1.0
STORE_GB = "5"


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How to run: worker processes (None = as many as pay off, up to one per core), address of a Dask scheduler (None =
    this machine), torch device, scratch folder, folder of the content store and its limit in bytes.
    """

    workers: int | None
    scheduler: str | None
    device: str
    scratch: Path
    store: Path
    store_bytes: int


def run_settings() -> RunSettings:
    """Read the run-time settings from the environment.

    Raises PipelineError if FUSION_WORKERS is not a positive whole number, or FUSION_STORE_GB not a number from 0.
    """
    given = os.environ.get("FUSION_WORKERS", "").strip()
    if given and (not given.isdigit() or int(given) < 1):
        raise PipelineError(f"FUSION_WORKERS ({given}) must be a whole number of 1 or more; unset it to use all cores")
    scratch = Path(os.environ.get("FUSION_SCRATCH", "").strip() or ".scratch")
    return RunSettings(
        workers=int(given) if given else None,
        scheduler=os.environ.get("FUSION_SCHEDULER", "").strip() or None,
        device=os.environ.get("FUSION_DEVICE", "").strip() or "auto",
        scratch=scratch,
        store=Path(os.environ.get("FUSION_STORE", "").strip() or scratch / "store"),
        store_bytes=_store_bytes(),
    )


def _store_bytes() -> int:
    given = os.environ.get("FUSION_STORE_GB", "").strip() or STORE_GB
    try:
        limit = int(float(given) * 1e9)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise PipelineError(f"FUSION_STORE_GB ({given}) must be a number of 0 or more, such as 5 or 0.5")
    return limit


def opened_store(settings: RunSettings) -> ContentStore:
    """The content store of this run, by an absolute path, since a worker on a cluster starts in another folder."""
    store = ContentStore(settings.store.resolve(), limit_bytes=settings.store_bytes)
    store.warn_if_read_only()
    return store


def joined_group(size: int) -> int:
    """The rank of this process in a group of `size` started by torchrun; 0 for a group of one.

    If there is no group yet, this process becomes torchrun, which starts the same stage `size` times.
    """
    rank = os.environ.get("LOCAL_RANK")
    if size > 1 and rank is None:
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}"]
        os.execv(sys.executable, [*start, "-m", f"stages.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
    return int(rank or 0) if size > 1 else 0


def arguments(description: str | None, *, paths: Sequence[str], words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """A parser with one required `--name` for each path and each word; stages have no default paths."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    for name in paths:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    for name in words:
        parser.add_argument(f"--{name}", type=str, required=True)
    return parser


def progress(items: Iterable[T], *, total: int, unit: str, under_way: Callable[[], float] | None = None) -> Iterator[T]:
    """A progress bar with the remaining time on a terminal; nothing if there is no terminal.

    `under_way` returns the progress on items that have not arrived yet, in items; it is polled while waiting for one.
    """
    shape = None if under_way is None else "{l_bar}{bar}| {n:.1f}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"
    with tqdm(total=total, unit=unit, disable=None, dynamic_ncols=True, bar_format=shape) as bar:
        come, waiting = 0, Event()

        def watch(asked: Callable[[], float]) -> None:
            while not waiting.wait(WATCHED_EVERY_S):
                bar.update(max(0.0, come + asked() - bar.n))
                bar.refresh()

        watcher = Thread(target=watch, args=(under_way,), daemon=True)
        if under_way is not None and not bar.disable:
            watcher.start()
        try:
            for item in items:
                come += 1
                bar.update(max(0, come - bar.n))
                yield item
        finally:
            waiting.set()


def run(main: Callable[[], None]) -> None:
    """Run a stage: log to standard error, show a PipelineError or a fault of the machine as one message.

    A bug keeps its traceback.
    """
    stage = Path(sys.argv[0]).stem
    # A separate name: PyRadiomics' logger is called radiomics, like the stage, and would print each line twice.
    log = logging.getLogger(f"stages.{stage}")
    logging.basicConfig(level=logging.INFO, format=f"{stage}: %(message)s", stream=sys.stderr)
    # Without this, a GPU's matrix products differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # joblib replaces a worker that uses too much memory and reassigns its cases: nothing a user can act on.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
    try:
        with logging_redirect_tqdm():
            main()
    except PipelineError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception as error:
        sentence = machine_fault(error)
        if sentence is None:
            raise
        log.error("%s", sentence)
        sys.exit(1)
    except KeyboardInterrupt:
        log.error("stopped; finished cases are kept, run the same command again to resume")
        sys.exit(130)
