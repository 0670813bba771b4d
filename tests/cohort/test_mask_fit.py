"""mask_fit: disks in speckle, whose masks are swapped or shifted by a row."""

import numpy as np
import pytest

from pipeline.cohort.image_summary import image_summary
from pipeline.cohort.mask_fit import fit_findings

N = 40


def cohort(*, n=N, noise=20, order=None, shape=(96, 120)):
    """Fits of `n` images with a dark disk each; image `i` is given the mask of image `order[i]`."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: shape[0], : shape[1]]
    places = rng.uniform(0.25, 0.75, (n, 2)) * shape
    sizes = rng.uniform(9, 18, n)
    disks = [np.hypot(y - row, x - column) < size for (row, column), size in zip(places, sizes, strict=True)]
    images = [np.clip(rng.normal(120 - 50 * disk, noise), 0, 255).astype(np.uint8) for disk in disks]
    chosen = range(n) if order is None else order
    summaries = [
        image_summary(image, lesion=disks[mask], whole=False) for image, mask in zip(images, chosen, strict=True)
    ]
    return {f"P{number:03}": summary.fit for number, summary in enumerate(summaries)}


def swapped(*pairs, n=N):
    order = list(range(n))
    for one, other in pairs:
        order[one], order[other] = other, one
    return order


def test_masks_of_their_own_images_are_no_finding():
    assert fit_findings(cohort()) == []


def test_two_swapped_masks_are_named_and_no_others():
    (only,) = fit_findings(cohort(order=swapped((4, 21), (8, 9))))

    assert (only.check, only.severity) == ("masks_swapped", "warning")
    assert "images P004 and P021, images P008 and P009; look at them" in only.message


def test_masks_shifted_by_one_row_are_one_finding():
    (only,) = fit_findings(cohort(order=[*range(1, N), 0]))

    assert (only.check, only.severity) == ("masks_out_of_order", "warning")
    assert f"the masks of {N} images fit their own images no better" in only.message


@pytest.mark.parametrize("given", [{"n": 11, "order": swapped((1, 2), n=11)}, {"order": [0] * N}, {"noise": 4000}])
def test_too_few_images_one_mask_for_all_or_no_contrast_name_no_pair(given):
    assert not any(finding.check == "masks_swapped" for finding in fit_findings(cohort(**given)))


def test_only_masks_of_one_size_are_compared():
    small, large = cohort(n=20), cohort(n=20, shape=(120, 96))
    assert fit_findings({**small, **{f"L{name}": fit for name, fit in large.items()}}) == []
    assert fit_findings({}) == []


def test_the_order_of_the_images_does_not_matter():
    fits = cohort(order=swapped((4, 21)))
    assert fit_findings(dict(reversed(fits.items()))) == fit_findings(fits)
