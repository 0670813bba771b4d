"""What the settings of every network hold."""

from pydantic import Field

from pipeline.foundation.params import Params
from pipeline.networks.weights import WeightsParams


class NetworkParams(Params):
    """First weights, and the side of the input where it is not the one that all networks share."""

    weights: WeightsParams
    image_size_px: int | None = Field(default=None, ge=32, le=1024, description="null: input.image_size_px")
