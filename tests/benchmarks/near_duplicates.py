"""Seconds and peak memory of the search for near-duplicates, and of a signature beside the reading of its image.

python -m tests.benchmarks.near_duplicates                    # 10,000 images, 100 of them copies, two workers
python -m tests.benchmarks.near_duplicates --workers 1        # CPU seconds are then the whole cost
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pipeline.cohort.near_pairs import SignedImage, near_pairs
from pipeline.cohort.near_signature import signature
from pipeline.foundation.images import image_from, read_image, write_image

SIZE_PX = (120, 160)
COPIES = 100
CUT_PX = 5


def drawn(rng: np.random.Generator, *, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Tissue of two scales under speckle inside a black frame with a grey bar, both the same in every image."""
    coarse, fine = (gaussian_filter(rng.standard_normal(size_px), sigma) * sigma for sigma in (8, 2))
    image = np.clip(90 * np.exp(0.8 * coarse + 0.5 * fine + 0.3 * rng.standard_normal(size_px)), 0, 255)
    height, width = size_px
    image[:, : width // 8] = image[:, -width // 8 :] = image[-height // 8 :] = 0
    image[height // 3 : -height // 4, 4:8] = 200
    return image.astype(np.uint8)


def signed(number: int, image: NDArray[np.uint8]) -> SignedImage:
    """One image as a patient of its own."""
    name = f"{number:06d}"
    return SignedImage(image_id=name, patient_id=name, pixels=name, signature=signature(image_from(image)))


def milliseconds_per_image(rng: np.random.Generator, *, repeats: int = 50) -> tuple[float, float]:
    """Mean time to read a 360 x 560 image as the cohort stores it, and to compute its signature."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nrrd"
        write_image(image_from(drawn(rng, size_px=(360, 560))), path)
        image = read_image(path)
        spent = []
        for call in (lambda: read_image(path), lambda: signature(image)):
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            spent.append(1000 * (time.perf_counter() - start) / repeats)
    return spent[0], spent[1]


def main() -> None:
    """Draw images, add copies cut on one side, search, print times, peak memory and the number of copies found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("images", 10_000), ("workers", 2), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    reading, signing = milliseconds_per_image(rng)
    print(f"read {reading:.1f} ms, signature {signing:.1f} ms: ratio {signing / reading:.2f}", flush=True)

    images = [signed(number, drawn(rng, size_px=SIZE_PX)) for number in range(given.images - COPIES)]
    first = np.random.default_rng(given.seed)
    milliseconds_per_image(first, repeats=1)
    cut = [drawn(first, size_px=SIZE_PX)[:, CUT_PX:] for _ in range(COPIES)]
    images += [signed(len(images) + number, image) for number, image in enumerate(cut)]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, used = time.perf_counter(), time.process_time()
    pairs = near_pairs(images, workers=given.workers)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found = sum(int(pair.other.image_id) - int(pair.one.image_id) == given.images - COPIES for pair in pairs)
    print(
        f"{given.images} images in {seconds:.0f} s with {given.workers} workers ({used:.0f} s of CPU in this process); "
        f"{len(pairs)} pairs, {found} of {COPIES} copies; "
        f"peak {peak / 1024:.0f} MB of one process, {before / 1024:.0f} MB before the search",
        flush=True,
    )


if __name__ == "__main__":
    main()
