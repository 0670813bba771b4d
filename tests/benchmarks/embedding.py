"""Images a second: describing with the trainer, the bare forward pass, and the common loop; seconds a training step.

    python -m tests.benchmarks.embedding     # the networks of params/embed.yaml, on a GPU where there is one
    python -m tests.benchmarks.embedding --device cpu --nets densenet121 --size-px 224 --images 64

Every figure is the median of rounds in which all ways take turns, so that the load of the machine strikes all alike.
The common loop is one image a time through Pillow and torchvision, with a hook on the layer, as it is often written.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from pipeline.augmentation import augmentation
from pipeline.embed import EmbedParams, network_of, recipe_of
from pipeline.embed_cases import normalisation_of
from pipeline.networks.registry import build_network
from pipeline.networks.torchvision_operators import load_torchvision
from pipeline.optimisation import loss_of, optimiser_of
from pipeline.params import load_params
from pipeline.roi_inputs import IMAGENET_MEAN, IMAGENET_SD
from pipeline.training import Trainer, device_named
from pipeline.training_batches import Examples, batches

ROUNDS = 5
log = logging.getLogger("embedding")


def seconds(ways: dict[str, Callable[[], object]], *, device: torch.device) -> dict[str, float]:
    """The median time of each way over the rounds, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def common_loop(network: nn.Module, pixels: NDArray[np.uint8], *, device: torch.device) -> list[NDArray[np.float32]]:
    """One image a time, through Pillow, torchvision's transforms and a hook on the last layer."""
    transforms = load_torchvision().transforms.v2
    steps = transforms.Compose(
        [
            transforms.ToImage(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize(mean=list(IMAGENET_MEAN), std=list(IMAGENET_SD)),
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


def measure(net: str, *, params: EmbedParams, images: int, size_px: int | None, device: torch.device) -> str:
    """One line: images a second of the three ways, and the trainer's share of the bare pass; the same for a step."""
    side = size_px or params.input_of(net).image_size_px
    network, recipe = network_of(params, net), recipe_of(params, net=net, seed=1)
    pixels = np.random.default_rng(1).integers(0, 256, (images, side, side)).astype(np.uint8)
    labels = np.arange(images, dtype=np.float32) % 2
    names = tuple(str(number) for number in range(images))
    examples = Examples(pixels=pixels, labels=labels, patients=names, groups=names)
    trainer = Trainer(
        build_network(network.architecture, network.settings),
        params=recipe.training,
        augment=augmentation(recipe.augmentation),
        normalise=normalisation_of(network, recipe),
        device=device,
    )
    parts = batches(np.arange(images), batch_size=recipe.training.batch_size)
    ready = [trainer._input(trainer._grey(pixels[part])) for part in parts]

    def bare() -> None:
        trainer.network.eval()
        with torch.inference_mode():
            for batch in ready:
                trainer.network(batch)

    optimiser = optimiser_of(trainer.network, params=recipe.training, device=device)

    def bare_step() -> None:
        trainer.network.train()
        for batch, part in zip(ready, parts, strict=True):
            loss = loss_of(trainer.network(batch)[0].float(), labels[part], ratio=1.0, params=recipe.training)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def step() -> None:
        for part in parts:
            trainer._step(examples, part, ratio=1.0, optimiser=optimiser)

    found = seconds(
        {
            "stage": lambda: trainer.describe(pixels),
            "bare": bare,
            "common": lambda: common_loop(trainer.network, pixels, device=device),
            "step": step,
            "bare step": bare_step,
        },
        device=device,
    )
    rates = {name: images / value for name, value in found.items()}
    return (
        f"{net}, {side} px, {device}: images a second {rates['stage']:.0f} (stage), {rates['bare']:.0f} (bare pass), "
        f"{rates['common']:.0f} (common loop); stage/bare {rates['stage'] / rates['bare']:.2f}, stage/common "
        f"{rates['stage'] / rates['common']:.1f}; training {rates['step']:.0f} against {rates['bare step']:.0f} (bare "
        f"step), {rates['step'] / rates['bare step']:.2f}"
    )


def main() -> None:
    """Measure every network asked for."""
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
    torch.set_num_threads(params.training.torch_threads)
    for net in nets:
        log.info("%s", measure(net, params=params, images=given.images, size_px=given.size_px, device=device))


if __name__ == "__main__":
    main()
