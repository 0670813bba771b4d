"""Frozen networks: an embedding depends on its image alone, for every network; the store changes no byte."""

import numpy as np
import pytest
import torch
from places import ROOT
from tiny_study import TINY, cohort, training_params

from pipeline.embed.frozen import encode_frozen, weights_sha256
from pipeline.embed.params import EmbedParams
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.params import load_params
from pipeline.networks.registry import ARCHITECTURES, build_network
from pipeline.training.batches import Examples
from pipeline.training.device import reproducible
from pipeline.training.inference import Encoder
from pipeline.training.params import AugmentationParams
from pipeline.training.trainer import Trainer

CPU = torch.device("cpu")
PARAMS = load_params(ROOT / "params" / "embed.yaml", EmbedParams)
UNTRAINED = {"source": "none"}


def noise(n, *, side=32, views=()):
    """Images of noise; of two views, every third sample lacks one."""
    rng = np.random.default_rng(3)
    present = np.ones((n, 2), dtype=np.bool_) if views else None
    if present is not None:
        present[::3, 0] = False
    return Examples(
        pixels=rng.integers(0, 256, size=(n, *views, 1, side, side), dtype=np.uint8),
        labels=np.zeros(n, dtype=np.float32),
        patients=tuple(map(str, range(n))),
        groups=tuple(map(str, range(n))),
        present=present,
    )


def some(examples, rows):
    present = None if examples.present is None else examples.present[rows]
    chosen = tuple(examples.patients[row] for row in rows)
    return Examples(
        pixels=examples.pixels[rows], labels=examples.labels[rows], patients=chosen, groups=chosen, present=present
    )


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_an_embedding_depends_neither_on_its_batch_nor_on_its_place_there(name):
    section = getattr(PARAMS, name)
    small = {"image_size_px": 32} if name == "vit" else {}
    one = PARAMS.model_copy(
        update={name: section.model_copy(update=small | {"weights": type(section.weights)(**UNTRAINED)})}
    ).network(name)
    side = max(32, *(ARCHITECTURES[part].min_size_px for part in (name, *(part.name for part in one.parts))))
    examples = noise(4, side=side, views=(2,) if one.architecture.has_views else ())
    with reproducible(seed=1, threads=1, device=CPU):
        module = build_network(one).to(memory_format=torch.channels_last)
        encoder = Encoder(network=module, normalise="image", device=CPU, batch_size=3)
        whole = encode_frozen(encoder, examples, network=one, store=None)  # a full batch, and one with a single image
        turned = encode_frozen(encoder, some(examples, [3, 2, 1, 0]), network=one, store=None)

    assert np.array_equal(whole.embeddings, turned.embeddings[::-1])
    assert np.isfinite(whole.embeddings).all()
    assert len({row.tobytes() for row in whole.embeddings}) == 4


class Counting(Encoder):
    """An encoder that counts the images of each batch, before it is filled up."""

    def encode(self, pixels, *, present=None):
        counts.append(len(pixels))
        return super().encode(pixels, present=present)


counts = []


def embed(examples, *, store, seed=1, batch_size=8, **changes):
    counts.clear()
    torch.manual_seed(seed)
    trainer = Trainer(
        build_network(TINY),
        params=training_params(batch_size=batch_size),
        strengths=AugmentationParams(
            scale=0, rotation_deg=0, shift=0, shear_deg=0, flip=0, contrast=0, brightness=0, noise_sd=0
        ),
        normalise="image",
        device=CPU,
    )
    given = {"network": trainer.network, "normalise": "image", "device": CPU, "batch_size": batch_size} | changes
    return encode_frozen(Counting(**given), examples, network=TINY, store=store).embeddings


def test_one_image_more_costs_one_batch_and_the_store_changes_no_byte(tmp_path):
    store, examples = ContentStore(tmp_path, limit_bytes=10**9), noise(20)
    first = embed(some(examples, np.arange(19)), store=store)
    assert counts == [8, 8, 3]
    more = embed(some(examples, np.arange(20)[::-1]), store=store)
    assert counts == [1]
    again = embed(examples, store=store)
    assert counts == []
    without = embed(examples, store=None)
    store.empty()
    emptied = embed(examples, store=store)

    assert again.tobytes() == without.tobytes() == emptied.tobytes() == np.ascontiguousarray(more[::-1]).tobytes()
    assert first.tobytes() == again[:19].tobytes()


@pytest.mark.parametrize("change", [{"seed": 2}, {"batch_size": 4}, {"normalise": "imagenet"}])
def test_other_weights_batches_or_inputs_are_other_embeddings(change, tmp_path):
    store, examples = ContentStore(tmp_path, limit_bytes=10**9), noise(5)
    embed(examples, store=store)
    found = embed(examples, store=store, **change)

    assert counts
    assert np.array_equal(found, embed(examples, store=None, **change))


def test_a_cut_file_of_the_store_is_computed_again(tmp_path):
    store, examples = ContentStore(tmp_path, limit_bytes=10**9), noise(5)
    first = embed(examples, store=store)
    file = next(path for path in tmp_path.rglob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-100])

    assert np.array_equal(embed(examples, store=store), first)
    assert counts == [1]


def test_the_head_is_no_part_of_the_weights_of_an_embedding():
    one, two = build_network(TINY), build_network(TINY)
    two.load_state_dict(one.state_dict())
    two.fc.weight.data += 1
    assert weights_sha256(one, head="fc.") == weights_sha256(two, head="fc.")
    two.layer.weight.data += 1

    assert weights_sha256(one, head="fc.") != weights_sha256(two, head="fc.")


def test_the_tiny_study_is_frozen_as_it_was_encoded():
    study = cohort(4)
    examples = study.examples(np.arange(8))
    torch.manual_seed(1)
    module = build_network(TINY)
    encoder = Encoder(network=module, normalise="image", device=CPU, batch_size=8)

    found = encode_frozen(encoder, examples, network=TINY, store=None)
    assert np.array_equal(found.embeddings, encoder.encode(examples.pixels).embeddings)
