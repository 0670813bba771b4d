"""Notes in the folders of the stage that hold no file, since DVC warns of an empty folder ten times a run."""

from pathlib import Path

NO_MASKS, NO_NETWORKS = "no_masks.txt", "no_networks.txt"


def note_no_masks(folder: Path) -> None:
    """Write a note into the folder if it holds no mask."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        (folder / NO_MASKS).write_text("No mask was predicted for later stages.\n", encoding="utf-8")


def note_no_networks(folder: Path) -> None:
    """Write a note into the folder, which no network was written to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NO_NETWORKS).write_text("No segmentation network was trained.\n", encoding="utf-8")
