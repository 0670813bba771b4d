"""Images per second: embedding as the stage does, the bare forward pass, and the common loop; the same for training.

    python -m tests.benchmarks.embedding     # the networks of params/embed.yaml, on a GPU if there is one
    python -m tests.benchmarks.embedding --device cpu --nets densenet121 --size-px 224 --images 64

Every number is the median of rounds in which all ways take turns, so that the load of the machine affects all equally.
The common loop is one image at a time through Pillow and torchvision, with a hook on the layer, as often written.
"""

import argparse
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from pipeline.embed.params import EmbedParams
from pipeline.embed.work_plan import normalisation_of, recipe_of
from pipeline.foundation.params import load_params
from pipeline.networks.inputs import IMAGENET
from pipeline.networks.registry import Network, build_network
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.training.batches import Examples, batches
from pipeline.training.device import device_named, reproducible
from pipeline.training.optimisation import loss_of, optimiser_of
from pipeline.training.trainer import Trainer
from tests.benchmarks.rounds import seconds

log = logging.getLogger("embedding")


def common_loop(network: nn.Module, pixels: NDArray[np.uint8], *, device: torch.device) -> list[NDArray[np.float32]]:
    """One image at a time, through Pillow, torchvision's transforms and a hook on the last layer."""
    transforms = load_torchvision().transforms.v2
    steps = transforms.Compose(
        [
            transforms.ToImage(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize(mean=list(IMAGENET.mean), std=list(IMAGENET.sd)),
        ]
    )
    found: list[NDArray[np.float32]] = []
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    handle = last.register_forward_hook(lambda _module, given, _output: found.append(given[0].detach().cpu().numpy()))
    with torch.no_grad():
        for image in pixels:
            network(steps(Image.fromarray(image).convert("RGB"))[None].to(device))
    handle.remove()
    return found


def drawn_examples(images: int, *, side_px: int, views: bool) -> Examples:
    """Noise with labels 0 and 1 in turn; with `views`, each sample is the same image twice."""
    pixels = np.random.default_rng(1).integers(0, 256, (images, 1, side_px, side_px)).astype(np.uint8)
    names = tuple(str(number) for number in range(images))
    return Examples(
        pixels=np.stack([pixels, pixels], axis=1) if views else pixels,
        labels=np.arange(images, dtype=np.float32) % 2,
        patients=names,
        groups=names,
        present=np.ones((images, 2), dtype=np.bool_) if views else None,
    )


def bare_ways(trainer: Trainer, examples: Examples) -> dict[str, Callable[[], None]]:
    """The forward pass, and forward, backward and optimiser, on tensors that are ready on the device."""
    device, params, network = trainer.device, trainer.params, trainer.network
    parts = batches(np.arange(len(examples.labels)), batch_size=params.batch_size)
    grey = torch.from_numpy(examples.pixels).to(device).float() / 255
    ready = [trainer.encoder.inputs(grey[part], present=examples.present, rows=part) for part in parts]
    truth = [torch.from_numpy(examples.labels[part]).to(device) for part in parts]

    def bare() -> None:
        network.eval()
        with torch.inference_mode():
            for batch in ready:
                network(*batch)

    def bare_training() -> None:
        network.train()
        optimiser = optimiser_of(network, params=params, device=device)
        for batch, wanted in zip(ready, truth, strict=True):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=params.precision == "bfloat16"):
                logits = network(*batch)[0].float()
            loss = loss_of(logits, wanted, ratio=1.0, params=params)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return {"bare": bare, "bare training": bare_training}


def measure(network: Network, *, params: EmbedParams, images: int, size_px: int | None, device: torch.device) -> str:
    """One line: images per second of the three ways, and the encoder's share of the bare pass; the same for a training.

    The training is one epoch of `Trainer.fit` with its augmentation, loaders, guard and loss against `bare_ways`.
    """
    side = size_px or params.input_of(network.name).image_size_px
    recipe, views = recipe_of(params, net=network.name, seed=1), network.architecture.has_views
    examples = drawn_examples(images, side_px=side, views=views)
    trainer = Trainer(
        build_network(network),
        params=recipe.training.model_copy(update={"epochs": 1}),
        strengths=recipe.augmentation,
        normalise=normalisation_of(network, recipe),
        device=device,
        loaders=len(os.sched_getaffinity(0)) if device.type == "cuda" else 0,
    )
    ways: dict[str, Callable[[], object]] = {
        "stage": lambda: trainer.encoder.encode(examples.pixels, present=examples.present),
        "training": lambda: trainer.fit(examples, forbidden=frozenset(), seed=1),
        **bare_ways(trainer, examples),
    }
    if not views:
        ways["common"] = lambda: common_loop(trainer.network, examples.pixels[:, 0], device=device)
    tf32 = recipe.training.precision == "tf32"
    with reproducible(seed=1, threads=recipe.training.torch_threads, device=device, tf32=tf32):
        rates = {name: images / value for name, value in seconds(ways, device=device).items()}
    return line(f"{network.name}, {side} px, {device}", rates=rates, device=device)


def line(title: str, *, rates: Mapping[str, float], device: torch.device) -> str:
    """The printed line of a network, from the samples per second of each way."""
    common = f", stage/common {rates['stage'] / rates['common']:.1f}" if "common" in rates else ""
    memory = f"; {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB" if device.type == "cuda" else ""
    return (
        f"{title}: samples a second {rates['stage']:.0f} (stage), {rates['bare']:.0f} "
        f"(bare pass); stage/bare {rates['stage'] / rates['bare']:.2f}{common}; training {rates['training']:.0f} "
        f"against {rates['bare training']:.0f} (bare), {rates['training'] / rates['bare training']:.2f}{memory}"
    )


def main() -> None:
    """Measure every requested network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--params", type=Path, default=Path("params/embed.yaml"))
    parser.add_argument("--nets", nargs="+")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--size-px", type=int)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    params = load_params(given.params, EmbedParams)
    nets = tuple(given.nets or params.nets)
    params = params.model_copy(update={"nets": nets})
    device = device_named(given.device)
    for member in (member for net in nets for member in params.members_of(net)):
        log.info("%s", measure(member, params=params, images=given.images, size_px=given.size_px, device=device))


if __name__ == "__main__":
    main()
