"""`params/embed.yaml`: which networks, how they are trained, and on what."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.contracts.data.embed import HEAD, LOGIT
from pipeline.embed.strategy import Strategy
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import Params
from pipeline.networks.carnet import CarNetParams
from pipeline.networks.densenet import FLAT_SIZE_PX, DenseNet121Params
from pipeline.networks.dualview import DualViewParams
from pipeline.networks.params import InputParams
from pipeline.networks.penet import PeNetParams
from pipeline.networks.progressive import stage_of
from pipeline.networks.ptcrnet import PtcrNetParams
from pipeline.networks.registry import ARCHITECTURES, TIMM, Network, is_fully_trained
from pipeline.networks.settings import NetworkParams
from pipeline.networks.timm_backbone import BackboneParams, size_of
from pipeline.networks.vit import VitParams
from pipeline.plan.feature_sets import CLINICAL, NAME, OF_IMAGES
from pipeline.training.params import AugmentationParams, TrainingParams


class EmbedParams(Params):
    """`params/embed.yaml`; one section per network."""

    nets: tuple[str, ...]  # none: a study without networks
    strategy: Strategy
    trained_on: Literal["other_patients", "unknown"]
    keep_weights: Literal["final", "all"]
    input: InputParams
    training: TrainingParams
    augmentation: AugmentationParams
    backbones: dict[str, BackboneParams] = Field(default_factory=dict)
    alexnet: NetworkParams
    carnet: CarNetParams
    densenet121: DenseNet121Params
    dualview: DualViewParams
    inception3: NetworkParams
    penet: PeNetParams
    ptcrnet: PtcrNetParams
    resnet50: NetworkParams
    vit: VitParams

    @model_validator(mode="after")
    def _known_networks(self) -> Self:
        known = {*ARCHITECTURES, *self.backbones}
        if set(self.nets) - known or len(set(self.nets)) != len(self.nets):
            allowed = ", ".join(sorted(known))
            raise ValueError(f"key 'nets' has the value {list(self.nets)}: allowed are {allowed}, each at most once")
        return self

    @model_validator(mode="after")
    def _backbones_are_blocks(self) -> Self:
        for name in self.backbones:
            taken = {*type(self).model_fields, CLINICAL, *OF_IMAGES}
            if not NAME.fullmatch(name) or name in taken or name.endswith((LOGIT, HEAD)):
                raise ValueError(
                    f"key 'backbones' has the name '{name}': use the letters a-z, digits and _, no word that has a "
                    f"meaning already (such as densenet121, input or radiomics), and no {LOGIT} or {HEAD} at its end"
                )
        return self

    @model_validator(mode="after")
    def _shares_train_whole_backbones(self) -> Self:
        for name in self.nets if self.training.processes > 1 else ():
            own = self.backbones.get(name)
            if own is not None and (own.head_epochs or own.unfreeze != "all"):
                raise ValueError(
                    f"key 'training.processes' has the value {self.training.processes}, but backbones.{name} freezes a "
                    "part of itself in training, which processes that share a batch cannot; set it to 1"
                )
        return self

    @model_validator(mode="after")
    def _frozen_networks_are_trained(self) -> Self:
        for net in (one for one in self.nets if self.strategy_of(one) == "frozen"):
            for member in self.members_of(net):
                if not is_fully_trained(member):
                    raise ValueError(
                        f"key 'strategy' has the value 'frozen', but {member.name} would hold randomly initialised "
                        f"weights, whose embeddings mean nothing; name a file of the whole network in "
                        f"{member.name}.weights, or use crossfit"
                    )
        return self

    @model_validator(mode="after")
    def _late_fusion_has_unseen_patients(self) -> Self:
        if "ptcrnet" in self.nets and self.ptcrnet.combine == "late" and self.strategy == "insample":
            raise ValueError(
                "key 'ptcrnet.combine' has the value 'late', which is fitted on training patients that the networks "
                "were not trained on, and with strategy 'insample' there are none; use mean or concat, or strategy "
                "crossfit"
            )
        return self

    @model_validator(mode="after")
    def _size_fits_the_network(self) -> Self:
        built_in = [net for net in self.nets if net not in self.backbones]
        for network in (member for net in built_in for member in self.members_of(net)):
            size = self.input_of(network.name).image_size_px
            for part in (network, *network.parts):
                self._check_size(network.name, part.name, size)
        return self

    def _check_size(self, net: str, part: str, size: int) -> None:
        smallest, own = ARCHITECTURES[part].min_size_px, getattr(self, part).image_size_px
        if size < smallest:
            raise ValueError(
                f"key 'input.image_size_px' has the value {size}: {part} needs {smallest} or more; set "
                f"{net}.image_size_px"
            )
        if part == "vit" and own != size:
            raise ValueError(f"key '{net}.image_size_px' has the value {size}, but vit.image_size_px is {own}")
        if part == "densenet121" and self.densenet121.layer == "last_conv_flat1568" and size != FLAT_SIZE_PX:
            raise ValueError(
                f"key 'input.image_size_px' has the value {size}: densenet121.layer last_conv_flat1568 needs "
                f"{FLAT_SIZE_PX}; set {net}.image_size_px"
            )
        if part == "penet":
            self._check_stages(net, size)

    def _check_stages(self, net: str, size: int) -> None:
        target, stages = self.penet.train_size_px or size, self.penet.progressive.stages
        if target > size:
            raise ValueError(
                f"key 'penet.train_size_px' has the value {target}: the images of {net} have {size} px; it must not be "
                "larger"
            )
        try:
            stage_of(0, steps=stages, target_px=target, params=self.penet.progressive)
        except ValueError as error:
            raise ValueError(f"key 'penet.train_size_px' (else the images of {net}) is too small: {error}") from error

    @model_validator(mode="after")
    def _views_are_not_mixed(self) -> Self:
        if "dualview" in self.nets and self.dualview.backbone == "penet" and self.penet.progressive.mixup_alpha[1] > 0:
            raise ValueError(
                "key 'dualview.backbone' has the value 'penet', whose penet.progressive.mixup_alpha would mix patients "
                "with and without a view; set it to [0, 0]"
            )
        return self

    @model_validator(mode="after")
    def _shares_train_a_batch_norm(self) -> Self:
        smallest = 2 * self.training.processes
        if self.training.processes > 1 and self.training.batch_size < smallest:
            raise ValueError(
                f"key 'training.batch_size' has the value {self.training.batch_size}: with training.processes "
                f"{self.training.processes} it needs {smallest} or more, two images per process"
            )
        return self

    def input_of(self, net: str) -> InputParams:
        """The input of a network: the shared one, in the network's own size if it has one.

        Raises ParamsError if timm does not know the model of a backbone.
        """
        size = size_of(self.backbones[net]) if net in self.backbones else getattr(self, net).image_size_px
        return self.input if size is None else self.input.model_copy(update={"image_size_px": size})

    def shown_input(self, net: str) -> InputParams:
        """The input of a network; of several that are trained separately, that with the largest images."""
        inputs = [self.input_of(member.name) for member in self.members_of(net)]
        return max(inputs, key=lambda one: one.image_size_px)

    def settings_of(self, net: str) -> Any:
        """The section of a network: an entry of `backbones`, or a key of its own."""
        return self.backbones[net] if net in self.backbones else getattr(self, net)

    def strategy_of(self, net: str) -> Strategy:
        """The strategy of a network: that of its entry in `backbones` if it states one, else the shared one."""
        own = self.backbones[net].strategy if net in self.backbones else None
        return own or self.strategy

    def trained_on_of(self, net: str) -> Literal["other_patients", "unknown"]:
        """The patients that given weights were trained on, stated as `strategy_of`."""
        own = self.backbones[net].trained_on if net in self.backbones else None
        return own or self.trained_on

    def network(self, net: str) -> Network:
        """A network with its settings and those of the networks it is composed of, listed or not."""
        settings = self.settings_of(net)
        if net in self.backbones:
            return Network(name=net, architecture=TIMM, settings=settings)
        parts = ARCHITECTURES[net].parts(settings)
        return Network(
            name=net,
            architecture=ARCHITECTURES[net],
            settings=settings,
            parts=tuple(self.network(part) for part in parts),
        )

    def members_of(self, net: str) -> tuple[Network, ...]:
        """The networks that are trained separately for `net`: ptcrnet's two, unless trained as one; else itself."""
        network = self.network(net)
        apart = net == "ptcrnet" and self.ptcrnet.combine != "concat"
        return network.parts if apart else (network,)


def network_of(params: EmbedParams, net: str) -> Network:
    """The network `net` with its settings. Raises ParamsError if the params do not list it."""
    if net not in params.nets:
        raise ParamsError(f"network {net} is not among nets ({', '.join(params.nets)}); add it there first")
    return params.network(net)
