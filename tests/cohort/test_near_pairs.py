"""near_pairs: the planted copies, and nothing else, in any order of the images."""

import numpy as np
import pytest
from near_copies import COPIES, drawn, jpeg

from pipeline.cohort import near_pairs as module
from pipeline.cohort.near_pairs import SignedImage, near_pairs
from pipeline.cohort.near_signature import signature
from pipeline.foundation.images import image_from


def signed(name, image, *, patient=None, pixels=None):
    return SignedImage(
        image_id=name, patient_id=patient or name, pixels=pixels or name, signature=signature(image_from(image))
    )


OTHERS = [signed(f"o{seed}", drawn(seed)) for seed in range(100, 130)]
ORIGINAL = signed("a", drawn(1))


def named(pairs):
    return [(p.one.image_id, p.other.image_id, p.mirrored) for p in pairs]


@pytest.mark.parametrize("name", COPIES)
def test_every_planted_copy_is_found(name):
    found = near_pairs([ORIGINAL, *OTHERS, signed("z", COPIES[name](drawn(1)))])

    assert named(found) == [("a", "z", "mirrored" in name)]
    assert 0 <= found[0].distance < 0.2


def test_no_pair_among_different_pictures():
    assert near_pairs(OTHERS) == []
    assert near_pairs([]) == []
    assert near_pairs([ORIGINAL]) == []


def test_images_of_one_patient_are_no_pair():
    assert near_pairs([ORIGINAL, signed("b", jpeg(drawn(1)), patient="a")]) == []


def test_identical_voxels_are_at_distance_zero_even_if_flat():
    flat = [signed(name, np.zeros((20, 20)), pixels="same") for name in ("p", "q")]

    (pair,) = near_pairs([*OTHERS, *flat])

    assert (named([pair]), pair.distance, pair.identical) == ([("p", "q", False)], 0.0, True)


def test_flat_pictures_with_other_voxels_are_no_pair():
    assert near_pairs([signed("p", np.zeros((20, 20))), signed("q", np.ones((20, 20)))]) == []


def test_a_chain_is_listed_pair_by_pair():
    chain = [ORIGINAL, signed("b", COPIES["half"](drawn(1))), signed("c", COPIES["callipers"](drawn(1)))]

    assert [(one, other) for one, other, _ in named(near_pairs(chain))] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_pairs_depend_neither_on_order_nor_on_other_images_nor_on_blocks_or_workers(monkeypatch):
    copies = [ORIGINAL, signed("b", COPIES["cut all"](drawn(1))), signed("c", drawn(2)), signed("d", jpeg(drawn(2)))]
    alone = near_pairs(copies)

    assert named(alone) == [("a", "b", False), ("c", "d", False)]
    values = [pair.distance for pair in alone]
    with_others = near_pairs([*OTHERS[:9], *copies[::-1], *OTHERS[9:]])
    assert [named(with_others), [pair.distance for pair in with_others]] == [named(alone), values]
    monkeypatch.setattr(module, "ROWS", 3)
    in_blocks = near_pairs([*copies, *OTHERS], workers=2)
    assert [named(in_blocks), [pair.distance for pair in in_blocks]] == [named(alone), values]


def test_volumes_are_found_and_not_compared_with_planes():
    volume = np.stack([drawn(seed) for seed in range(16)])
    copy = np.stack([jpeg(image)[:, :-6] for image in volume])

    found = near_pairs([signed("v", volume), signed("w", copy), signed("x", volume[::-1].copy()), ORIGINAL])

    assert named(found) == [("v", "w", False)]
