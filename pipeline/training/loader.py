"""Load and augment training images batch by batch, with the same result for any number of loader processes.

Each image is augmented with a random stream of its own, seeded by the seed, the step and the position in the batch: it
does not matter which process loads it, or when.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pipeline.networks.inputs import resized
from pipeline.networks.progressive import Stage
from pipeline.training.augmentation import Augmentation, augmentation
from pipeline.training.batches import Examples, Rows
from pipeline.training.device import drawn_from
from pipeline.training.params import AugmentationParams

Place = tuple[int, int, int]  # row of the image, step of the training, position in the batch
StageAt = Callable[[int], Stage]


class TrainingImages(Dataset[Tensor]):
    """The image at a place: floats from 0 to 1, (P, S, S), or (V, P, S, S) with each view augmented on its own.

    `augment`: the augmentation of these strengths.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        strengths: AugmentationParams,
        stage_at: StageAt,
        seed: int,
        augment: Callable[[AugmentationParams], Augmentation] = augmentation,
    ) -> None:
        self.examples, self.strengths, self.stage_at, self.seed = examples, strengths, stage_at, seed
        self.augment = augment
        self._augmentations: dict[float, Augmentation] = {}

    def __getitem__(self, place: Place) -> Tensor:
        row, step, number = place
        stage = self.stage_at(step)
        grey = resized(torch.from_numpy(self.examples.pixels[row]).float() / 255, size_px=stage.size_px)
        if stage.magnitude not in self._augmentations:
            self._augmentations[stage.magnitude] = self.augment(self.strengths.scaled(stage.magnitude))
        augment = self._augmentations[stage.magnitude]
        with torch.random.fork_rng(devices=[]):
            # Not `torch.manual_seed`, which would seed the GPUs again too.
            torch.default_generator.manual_seed(drawn_from(self.seed, 0, step, number))
            return augment(grey) if grey.ndim == 3 else torch.stack([augment(view) for view in grey])


class _Epoch:
    """The batch sampler of the loader; refilled for every epoch, so that the loader's processes persist."""

    def __init__(self) -> None:
        self.places: list[list[Place]] = []

    def __iter__(self) -> Iterator[list[Place]]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


class TrainingLoader:
    """Loads the batches of an epoch with `processes` loader processes (0: in this one), `pinned` for a GPU."""

    def __init__(self, images: TrainingImages, *, processes: int, pinned: bool) -> None:
        self._epoch = _Epoch()
        self._loader = DataLoader(
            images,
            batch_sampler=self._epoch,
            num_workers=processes,
            pin_memory=pinned,
            persistent_workers=processes > 0,
            generator=torch.Generator(),  # its own, so that it draws nothing from the generator of the network
        )

    def load(self, batches: list[Rows], *, first_step: int, rank: int, size: int) -> Iterator[tuple[Rows, Tensor]]:
        """The rows and images of this process's share (every `size`-th, from `rank`) of each batch, in order."""
        numbered = [[(int(row), first_step + i, n) for n, row in enumerate(batch)] for i, batch in enumerate(batches)]
        self._epoch.places = [places[rank::size] for places in numbered]
        for batch, grey in zip(batches, self._loader, strict=True):
            yield batch[rank::size], grey
