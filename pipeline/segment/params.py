"""The settings of segmentation."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import Params
from pipeline.networks.params import MASK_NETWORKS, NEEDS_GLAND, GreyWindow, MaskNetworkParams, check_size
from pipeline.plan.comparison import BootstrapParams
from pipeline.training.params import AugmentationParams, MaskLossParams, TrainingParams


class PostprocessParams(Params):
    """How a probability becomes a mask."""

    threshold: float = Field(default=0.5, gt=0, lt=1, description="a voxel of this probability or more is lesion")
    components: Literal["largest", "all"] = Field(default="largest", description="connected components that are kept")
    fill_holes: bool = Field(default=True, description="fill holes, in a volume slice by slice")
    min_area_px: int = Field(
        default=0, ge=0, le=10**9, description="smallest component, in pixels (voxels in 3-D); 0 = any"
    )


class GlandParams(Params):
    """`gland`: a second source, of images with a mask of the gland alone."""

    use: bool
    root: str = Field(min_length=1)
    block_frames: int = Field(ge=1, le=100_000, description="images in a row that stay together")
    held_out: float = Field(ge=0, le=0.5, description="fraction of the blocks on which the gland is scored")


class FrameParams(Params):
    """`input`: how a whole image becomes the input of a network."""

    image_size_px: int = Field(ge=32, le=1024)
    resize: Literal["pad", "stretch"]
    window: GreyWindow | None
    normalise: Literal["auto", "imagenet", "image"]
    empty_slices: float = Field(ge=0, le=10, description="slices without lesion in the training, per slice with it")


class SegmentParams(Params):
    """`params/segment.yaml`."""

    mask_source: Literal["given", "predicted", "given_else_predicted"]
    networks: tuple[str, ...]
    parity: bool
    folds_on_test: bool
    gland: GlandParams
    input: FrameParams
    network: MaskNetworkParams
    loss: MaskLossParams
    training: TrainingParams
    augmentation: AugmentationParams
    postprocess: PostprocessParams
    bootstrap: BootstrapParams

    @model_validator(mode="after")
    def _networks_are_known(self) -> Self:
        for place, name in enumerate(self.networks):
            if name not in MASK_NETWORKS:
                raise ValueError(
                    f"key 'networks' names {name}, which does not exist; name any of {', '.join(MASK_NETWORKS)}"
                )
            if name in self.networks[:place]:
                raise ValueError(f"key 'networks' names {name} twice")
            try:
                check_size(name, size_px=self.input.image_size_px)
            except ParamsError as error:  # a fault of one key of this file: pydantic adds the file
                raise ValueError(str(error).replace("image_size_px", "key 'input.image_size_px'", 1)) from error
        if self.mask_source != "given" and not self.networks:
            raise ValueError(
                f"key 'mask_source' has the value {self.mask_source}, and networks is empty; name the network that "
                "predicts the masks, such as [unet]"
            )
        return self

    @property
    def loss_params(self) -> MaskLossParams:
        """The loss, with the published faults if they are asked for."""
        return self.loss.model_copy(update={"parity": self.parity})

    @property
    def needs_gland(self) -> list[str]:
        """The chosen networks that learn the gland too."""
        return [name for name in self.networks if name in NEEDS_GLAND]
