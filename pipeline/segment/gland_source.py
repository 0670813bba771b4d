"""A second source for networks with a thyroid prior: images with a mask of the gland, and no lesion."""

from pathlib import Path

from pipeline.cohort.importers.paths import image_files, image_stem
from pipeline.foundation.errors import CohortError, listed

PAIRS = (("image", "mask"), ("images", "masks"), ("thyroid-image", "thyroid-mask"))


def gland_pairs(root: Path) -> list[tuple[Path, Path]]:
    """The images with their masks of the same name, sorted by number (or name) within a folder.

    A folder of images and one of masks lie in `root` or in its subfolders. Raises CohortError if there are none, with
    every image that has no mask.
    """
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())] if root.is_dir() else []
    pairs, faults = [], []
    for folder in folders:
        for names in PAIRS:
            images, masks = (folder / name for name in names)
            if not (images.is_dir() and masks.is_dir()):
                continue
            by_stem = {image_stem(path): path for path in image_files(masks)}
            found = sorted(image_files(images), key=_number)
            faults += [f"{path.relative_to(root)} has no mask" for path in found if image_stem(path) not in by_stem]
            pairs += [(path, by_stem[image_stem(path)]) for path in found if image_stem(path) in by_stem]
    if faults:
        raise CohortError(listed(faults, heading=f"{root}: images of the gland without a mask", limit=10))
    if not pairs:
        named = ", ".join("/ and ".join(names) + "/" for names in PAIRS)
        raise CohortError(
            f"{root}: there are no images of the gland; key gland.root in params/segment.yaml must name a folder that "
            f"holds {named}, or set gland.use to false"
        )
    return pairs


def _number(path: Path) -> tuple[int, int, str]:
    """Names that are numbers by their number, then the others."""
    stem = image_stem(path)
    return (0, int(stem), stem) if stem.isdecimal() else (1, 0, stem)


def blocks_of(count: int, *, block_frames: int) -> list[str]:
    """The block of each of `count` images in a row: neighbours in a video are alike and must stay together."""
    return [f"gland-{place // block_frames:05d}" for place in range(count)]
