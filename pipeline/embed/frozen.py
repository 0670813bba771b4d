"""Embeddings of a frozen network: each depends on its own image alone (see `Encoder.encode`), so that it can be kept
for later runs. One image more therefore costs one batch.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save
from torch import nn

from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.fingerprints import file_sha256, fingerprint, package_versions, processor, rooms_hash
from pipeline.networks.registry import Network
from pipeline.training.batches import Examples
from pipeline.training.inference import Encoder, Encoding

SUFFIX = ".safetensors"
PACKAGES = ("torch", "torchvision", "timm", "numpy")
Vectors = dict[str, NDArray[np.float32]]  # of one image: `embeddings` (E,), of views also `views` (V, E')


def encode_frozen(encoder: Encoder, examples: Examples, *, network: Network, store: ContentStore | None) -> Encoding:
    """The embeddings of `examples`, those in `store` from there, and the others computed and stored.

    Only embeddings: a frozen network has no trained head, hence its logits are 0. With and without `store` the result
    is the same to the byte. A GPU's results are not stored: that they depend on one image alone is not tested there.
    Raises OSError if the store cannot be read or written, other than for want of permission.
    """
    keys = [""] * len(examples.pixels)
    if store is not None and encoder.device.type == "cpu":
        code = _key(encoder, network=network)
        keys = [_image_key(code, examples, row) for row in range(len(keys))]
    else:
        store = None
    found: list[Vectors | None] = [_kept(store, key) for key in keys]
    missing = np.array([row for row, vectors in enumerate(found) if vectors is None], dtype=np.intp)
    size = 1 if network.architecture.has_views else encoder.batch_size
    for start in range(0, len(missing), size):
        rows = missing[start : start + size]
        for row, vectors in zip(rows, _batch(encoder, examples, rows=rows), strict=True):
            found[row] = vectors
            if store is not None:
                store.save_bytes(keys[row], save(vectors), suffix=SUFFIX)
    done = [vectors for vectors in found if vectors is not None]
    return Encoding(
        logits=np.zeros(len(done)),
        embeddings=np.stack([vectors["embeddings"] for vectors in done]),
        view_embeddings=np.stack([vectors["views"] for vectors in done]) if "views" in done[0] else None,
    )


def _batch(encoder: Encoder, examples: Examples, *, rows: NDArray[np.intp]) -> list[Vectors]:
    present = None if examples.present is None else examples.present[rows]
    encoding = encoder.encode(examples.pixels[rows], present=present)
    vectors: list[Vectors] = [{"embeddings": one} for one in encoding.embeddings]
    if encoding.view_embeddings is not None:
        vectors = [one | {"views": views} for one, views in zip(vectors, encoding.view_embeddings, strict=True)]
    return vectors


def _kept(store: ContentStore | None, key: str) -> Vectors | None:
    content = None if store is None else store.load_bytes(key, suffix=SUFFIX)
    return None if content is None else load(content)


def _key(encoder: Encoder, *, network: Network) -> str:
    """A hash of everything but the image that an embedding depends on."""
    settings = [one.settings.model_dump(mode="json") | {"weights": None} for one in (network, *network.parts)]
    return fingerprint(
        "embedding",
        network.name,
        settings,
        weights_sha256(encoder.network, head=network.architecture.head),
        encoder.normalise,
        encoder.batch_size,
        torch.get_num_threads(),
        processor(),
        rooms_hash("networks", "training"),
        file_sha256(Path(__file__)),
        package_versions(PACKAGES),
    )


def weights_sha256(network: nn.Module, *, head: str) -> str:
    """Hash of the names and values of all weights but those of the head, which may be random and which no embedding
    depends on.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not name.startswith(head):
            values = tensor.detach().cpu().contiguous()
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def _image_key(code: str, examples: Examples, row: int) -> str:
    pixels = examples.pixels[row]
    present = None if examples.present is None else examples.present[row].tolist()
    return fingerprint(code, pixels.shape, hashlib.sha256(pixels.tobytes()).hexdigest(), present)
