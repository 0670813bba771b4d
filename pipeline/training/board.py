"""The course of a training as TensorBoard event files (`make board` shows them, also while it runs).

They lie in the scratch folder: their names hold the time and the machine, which no output may.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

REACHED = "epochs_done"  # a file beside the curves, by which the stage knows how far a worker has come


def epochs_done(folder: Path) -> int:
    """How many epochs the training with this folder has finished; 0 where it has not begun."""
    try:
        return int((folder / REACHED).read_text(encoding="utf-8") or 0)
    except FileNotFoundError:
        return 0


class TrainingBoard:
    """Curves of one network in `folder`; None: nowhere. Epochs after `resumed_after` of an earlier run are dropped."""

    def __init__(self, folder: Path | None, *, resumed_after: int) -> None:
        self.writer, self.folder = None, folder
        if folder is None:
            return
        if not resumed_after:
            shutil.rmtree(folder, ignore_errors=True)
        # Imported here: it costs a second, and most who import this module train nothing.
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder), purge_step=resumed_after + 1)
        (folder / REACHED).write_text(str(resumed_after), encoding="utf-8")

    def add(self, values: Mapping[str, float | None], *, epoch: int) -> None:
        """One point of each curve at an epoch; None is no point."""
        if self.writer is None or self.folder is None:
            return
        for name, value in values.items():
            if value is not None:
                self.writer.add_scalar(name, value, epoch)
        self.writer.flush()
        (self.folder / REACHED).write_text(str(epoch), encoding="utf-8")

    def close(self) -> None:
        """End the file."""
        if self.writer is not None:
            self.writer.close()
