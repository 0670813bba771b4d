"""Images per second: segmentation as the stage does it and the bare forward pass; the same for training.

    python -m tests.benchmarks.segmentation     # unet, trfe and trfeplus of params/segment.yaml, a GPU if there is one
    python -m tests.benchmarks.segmentation --device cpu --nets unet --width 64 --size-px 224 --images 32

Every number is the median of rounds in which all ways take turns, so that the load of the machine affects all equally.
The bare pass and the bare step (forward, loss, backward, optimiser) take tensors that are ready on the device.
"""

import argparse
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from pipeline.foundation.params import load_params
from pipeline.networks.mask_registry import build_mask_network
from pipeline.networks.params import MASK_NETWORKS
from pipeline.segment.cases import normalisation_of
from pipeline.segment.params import SegmentParams
from pipeline.segment.probability import mask_probability
from pipeline.training.batches import Examples, batches
from pipeline.training.device import device_named, reproducible
from pipeline.training.mask_loss import mask_loss
from pipeline.training.mask_task import N_MASKS, MaskTask
from pipeline.training.optimisation import optimiser_of
from pipeline.training.params import MaskLossParams
from pipeline.training.trainer import Trainer
from tests.benchmarks.rounds import seconds

log = logging.getLogger("segmentation")


def study(images: int, *, size_px: int, loss: MaskLossParams) -> tuple[Examples, MaskTask]:
    """Random images whose lesion is a square; every second one has a gland instead."""
    pixels = np.random.default_rng(1).integers(0, 256, (images, 1 + N_MASKS, size_px, size_px)).astype(np.uint8)
    pixels[:, -N_MASKS:] = 0
    pixels[:, -N_MASKS:, size_px // 4 : size_px // 2, size_px // 4 : size_px // 2] = 255
    names = tuple(str(number) for number in range(images))
    lesion = np.arange(images) % 2 == 0
    examples = Examples(pixels=pixels, labels=np.zeros(images, dtype=np.float32), patients=names, groups=names)
    task = MaskTask(
        has_lesion=lesion,
        has_gland=~lesion,
        area=np.where(lesion, 1 / 16, 0).astype(np.float32),
        loss_params=loss,
    )
    return examples, task


def bare_training(trainer: Trainer, examples: Examples, *, task: MaskTask) -> Callable[[], None]:
    """One epoch of forward, loss, backward and optimiser on tensors that are ready on the device."""
    device, params = trainer.device, trainer.params
    rows = task.epoch_rows(np.arange(len(examples.labels)), order=np.random.default_rng(1))
    parts = batches(rows, batch_size=params.batch_size)
    ready = [torch.from_numpy(examples.pixels[part]).to(device).float() / 255 for part in parts]
    inputs = [trainer.encoder.inputs(planes[:, :-N_MASKS], present=None, rows=parts[0])[0] for planes in ready]
    known = [
        [torch.from_numpy(values[part]).to(device) for values in (task.has_lesion, task.has_gland, task.area)]
        for part in parts
    ]

    def epoch() -> None:
        trainer.network.train()
        optimiser = optimiser_of(trainer.network, params=params, device=device)
        for x, planes, (has_nodule, has_gland, area) in zip(inputs, ready, known, strict=True):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=params.precision == "bfloat16"):
                output = trainer.network(x)
            loss = mask_loss(
                output,
                nodule=planes[:, -2],
                gland=planes[:, -1],
                has_nodule=has_nodule,
                has_gland=has_gland,
                params=task.loss_params,
                remaining=1.0,
                scale=area,
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return epoch


def bare_pass(trainer: Trainer, examples: Examples) -> Callable[[], None]:
    """The forward passes of all images, on tensors that are ready on the device."""
    grey = torch.from_numpy(examples.pixels[:, :-N_MASKS]).to(trainer.device).float() / 255
    parts = batches(np.arange(len(grey)), batch_size=trainer.params.batch_size)
    ready = [trainer.encoder.inputs(grey[part], present=None, rows=part)[0] for part in parts]

    def all_images() -> None:
        trainer.network.eval()
        with torch.inference_mode():
            for x in ready:
                trainer.network(x)

    return all_images


def measure(name: str, *, params: SegmentParams, images: int, size_px: int, device: torch.device) -> str:
    """One line: images per second of inference and of a training epoch, and the same bare."""
    training = params.training.model_copy(update={"epochs": 1})
    examples, task = study(images, size_px=size_px, loss=params.loss_params)
    trainer = Trainer(
        build_mask_network(name, params=params.network),
        params=training,
        strengths=params.augmentation,
        normalise=normalisation_of(name, params=params),
        device=device,
        loaders=len(os.sched_getaffinity(0)) if device.type == "cuda" else 0,
        task=task,
    )
    ways: dict[str, Callable[[], object]] = {
        "stage": lambda: mask_probability(trainer.encoder, examples.pixels[:, 0]),
        "bare": bare_pass(trainer, examples),
        "training": lambda: trainer.fit(examples, forbidden=frozenset(), seed=1),
        "bare training": bare_training(trainer, examples, task=task),
    }
    with reproducible(seed=1, threads=training.torch_threads, device=device, tf32=training.precision == "tf32"):
        found = seconds(ways, device=device)
    rates = {way: images / value for way, value in found.items()}
    memory = f"; {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB" if device.type == "cuda" else ""
    return (
        f"{name}, width {params.network.width}, {size_px} px, {device}: images a second {rates['stage']:.1f} (stage), "
        f"{rates['bare']:.1f} (bare pass); stage/bare {rates['stage'] / rates['bare']:.2f}; training "
        f"{rates['training']:.1f} against {rates['bare training']:.1f} (bare), "
        f"{rates['training'] / rates['bare training']:.2f}{memory}"
    )


def main() -> None:
    """Measure every requested network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--params", type=Path, default=Path("params/segment.yaml"))
    parser.add_argument("--nets", nargs="+", choices=MASK_NETWORKS, default=["unet", "trfe", "trfeplus"])
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--size-px", type=int)
    parser.add_argument("--width", type=int)
    parser.add_argument("--precision", choices=("float32", "tf32", "bfloat16"))
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    params = load_params(given.params, SegmentParams)
    network = params.network.model_copy(update={"width": given.width or params.network.width})
    training = params.training.model_copy(update={"precision": given.precision or params.training.precision})
    params = params.model_copy(update={"network": network, "training": training})
    device = device_named(given.device)
    size_px = given.size_px or params.input.image_size_px
    for name in given.nets:
        log.info("%s", measure(name, params=params, images=given.images, size_px=size_px, device=device))


if __name__ == "__main__":
    main()
