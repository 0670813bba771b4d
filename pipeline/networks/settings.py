"""The settings that every network has."""

from pydantic import Field

from pipeline.foundation.params import Params
from pipeline.networks.weights import WeightsParams


class NetworkParams(Params):
    """Initial weights, and the side of the input if it differs from the one shared by all networks."""

    weights: WeightsParams
    image_size_px: int | None = Field(default=None, ge=32, le=1024, description="null: input.image_size_px")
