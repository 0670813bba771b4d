"""Training curves as TensorBoard event files (`make board` shows them, also during training).

They are written to the scratch folder: their names hold the time and the machine, which no output may.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

REACHED = "epochs_done"  # a file beside the curves, from which the stage reads a worker's progress


def epochs_done(folder: Path) -> int:
    """How many epochs the training with this folder has finished; 0 if it has not begun."""
    try:
        return int((folder / REACHED).read_text(encoding="utf-8") or 0)
    except FileNotFoundError:
        return 0


class TrainingBoard:
    """Curves of one network in `folder`; None: none. Epochs after `resumed_after` of an earlier run are dropped."""

    def __init__(self, folder: Path | None, *, resumed_after: int) -> None:
        self.writer, self.folder = None, folder
        if folder is None:
            return
        if not resumed_after:
            shutil.rmtree(folder, ignore_errors=True)
        # Imported here: it takes a second, and most importers of this module train nothing.
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder), purge_step=resumed_after + 1)
        (folder / REACHED).write_text(str(resumed_after), encoding="utf-8")

    def add(self, values: Mapping[str, float | None], *, epoch: int) -> None:
        """Add one point per curve at an epoch; None adds no point."""
        if self.writer is None or self.folder is None:
            return
        for name, value in values.items():
            if value is not None:
                self.writer.add_scalar(name, value, epoch)
        self.writer.flush()
        (self.folder / REACHED).write_text(str(epoch), encoding="utf-8")

    def close(self) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()
