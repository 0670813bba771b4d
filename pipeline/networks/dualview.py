"""A network for several views of one patient (longitudinal and transverse, T4 and T11); views may be missing.

The published dual-channel model does not specify how its views are fused, so three ways are implemented: one network
for all views (`siamese_late`), one network per view (`two_branch`), and the views as channels of one image (`early`).
Source of the gated attention: Ilse et al., ICML 2018. The rest follows no single paper.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Self

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams

ATTENTION_WIDTH = 128
EARLY_IS_FOR_COMPARISON = (
    "mode early stacks views that share no pixels (their planes cross), so the stack has no spatial meaning; "
    "it is for comparison only"
)
SHOWN_ROWS = 10


class DualViewParams(NetworkParams):
    """Settings of the multi-view network. The weights of its backbone are in the backbone's own section."""

    views: tuple[str, str] = Field(description="names of the two views in the cohort table")
    backbone: Literal["alexnet", "carnet", "densenet121", "inception3", "resnet50", "vit", "penet"]
    mode: Literal["siamese_late", "two_branch", "early"] = Field(description=EARLY_IS_FOR_COMPARISON)
    fusion: Literal["concat", "mean", "gated_attention"] = Field(description="how late modes fuse the views")
    view_dropout: float = Field(default=0.2, ge=0, lt=1, description="probability of dropping a view in training")
    auxiliary_weight: float = Field(default=0.3, ge=0, le=10, description="weight of the loss of each view's own logit")

    @field_validator("views")
    @classmethod
    def _two_names(cls, views: tuple[str, str]) -> tuple[str, str]:
        if len(set(views)) != len(views) or any(not view or view != view.strip() for view in views):
            raise ValueError("must be two different names of views without blanks around them, such as [long, trans]")
        return views

    @model_validator(mode="after")
    def _no_torchvision(self) -> Self:
        if self.weights.source == "torchvision":
            raise ValueError("weights.source 'torchvision' has no weights for several views; give them to the backbone")
        return self


class ViewsOutput(NamedTuple):
    """Output of a network of V views for N patients; the first two fields are those of every network.

    `logits` (N,) and `embeddings` (N, E) are of the fused views. `view_logits` (N, V): each view's own, NaN where the
    view is missing. `view_embeddings` (N, V, E_view): the vectors that were fused, that is, the null embedding where a
    view is missing or was dropped. The last two are None in mode early, which never separates the views.
    """

    logits: Tensor
    embeddings: Tensor
    view_logits: Tensor | None
    view_embeddings: Tensor | None


class GatedAttention(nn.Module):
    """Gated attention over views: a_v = softmax_v(wᵀ(tanh(V h_v) ⊙ sigmoid(U h_v))).

    Source: Ilse et al., Attention-based Deep Multiple Instance Learning, ICML 2018, equation 9.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.signal = nn.Linear(width, ATTENTION_WIDTH, bias=False)  # V
        self.gate = nn.Linear(width, ATTENTION_WIDTH, bias=False)  # U
        self.score = nn.Linear(ATTENTION_WIDTH, 1, bias=False)  # w

    def forward(self, vectors: Tensor) -> Tensor:
        """Vectors (N, V, E) to the weights of the views (N, V); each row sums to one."""
        hidden = self.signal(vectors).tanh() * self.gate(vectors).sigmoid()  # (N, V, 128)
        return self.score(hidden).squeeze(2).softmax(dim=1)


class DualView(nn.Module):
    """One logit and one embedding from V views of a patient, some of which may be missing.

    `make_backbone` returns a module that takes images (n, 3, S, S), returns logits (n,) and embeddings (n, E), and has
    `embedding_width` E. Mode `siamese_late`: one backbone for all views. `two_branch`: one backbone per view. In both,
    only views that exist pass through a backbone, so that a missing one never enters its batch norm; its vector is a
    learned null embedding. Embedding: the fused vectors, (N, V·E) for concat, (N, E) for mean and gated_attention;
    `head` computes the logit from it.

    Mode `early`: the channels of all views are stacked into one image for one backbone, whose embedding and logit are
    used, and `fusion` is ignored; a missing view is filled with one learned grey level. The planes of two views share
    no pixels, so the stack has no spatial meaning: this mode is for comparison only.

    In training each view is dropped with probability `view_dropout`, that is, fused as if it were missing, but never
    the last view of a patient. The random numbers come from torch's CPU generator, so that every device drops the same
    views.
    """

    def __init__(self, settings: DualViewParams, *, make_backbone: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.mode, self.fusion, self.view_dropout = settings.mode, settings.fusion, settings.view_dropout
        self.views, self.auxiliary_weight = len(settings.views), settings.auxiliary_weight
        branches: list[Any] = [make_backbone() for _ in range(self.views if self.mode == "two_branch" else 1)]
        width = int(branches[0].embedding_width)
        self.backbones = nn.ModuleList(branches)
        # Null embeddings start at zero (no contribution to the head, attention score 0) and are learned from there.
        if self.mode == "early":
            inflate(branches[0], views=self.views)
            self.embedding_width = width
            self.null_greys = nn.Parameter(torch.zeros(self.views))
            return
        self.embedding_width = width * self.views if self.fusion == "concat" else width
        self.null_embeddings = nn.Parameter(torch.zeros(self.views, width))
        if self.fusion == "gated_attention":
            self.attention = GatedAttention(width)
        self.head = nn.Linear(self.embedding_width, 1)

    def forward(self, x: Tensor, present: Tensor) -> ViewsOutput:
        """Images x (N, V, 3, S, S) and which views exist, `present` bool (N, V), to the four outputs.

        Images of missing views may hold anything. Raises ValueError for other shapes and for a row without a view.
        """
        self._check(x, present)
        kept = self._kept(present) if self.training else present
        if self.mode == "early":
            return self._early(x, kept)
        view_logits, vectors = self._each_view(x, present)
        vectors = torch.where(kept.unsqueeze(2), vectors, self.null_embeddings)
        fused = self._fused(vectors)
        return ViewsOutput(self.head(fused).squeeze(1), fused, view_logits, vectors)

    def _check(self, x: Tensor, present: Tensor) -> None:
        if x.ndim != 5 or x.shape[1] != self.views:
            msg = f"x has the shape {tuple(x.shape)}; it must be (N, {self.views}, 3, S, S), one image per view"
            raise ValueError(msg)
        if present.dtype != torch.bool or present.shape != x.shape[:2]:
            msg = (
                f"present is {present.dtype} of shape {tuple(present.shape)}; it must be bool, {tuple(x.shape[:2])}, "
                "true where a view exists"
            )
            raise ValueError(msg)
        empty = (~present.any(dim=1)).nonzero().flatten().tolist()
        if empty:
            shown = ", ".join(map(str, empty[:SHOWN_ROWS])) + (", …" if len(empty) > SHOWN_ROWS else "")
            raise ValueError(f"present: {len(empty)} rows have no view at all ({shown}); each needs one or more")

    def _kept(self, present: Tensor) -> Tensor:
        """The views present and not dropped, (N, V); if a row would lose all, the largest draw is kept."""
        if self.view_dropout == 0:
            return present
        draws = torch.rand(present.shape, device="cpu").to(present.device)
        last = draws.masked_fill(~present, -1).argmax(dim=1, keepdim=True)
        return present & (draws >= self.view_dropout).scatter(1, last, value=True)

    def _early(self, x: Tensor, kept: Tensor) -> ViewsOutput:
        null = self.null_greys[:, None, None, None].to(x.dtype)
        stacked = torch.where(kept[:, :, None, None, None], x, null)
        logits, embeddings = _run(self.backbones[0], stacked.flatten(1, 2))  # (N, V·3, S, S)
        return ViewsOutput(logits, embeddings, None, None)

    def _each_view(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Each present view's logit and vector, (N, V) and (N, V, E); NaN and zero for missing views."""
        null = self.null_embeddings
        vectors = null.new_zeros((*present.shape, null.shape[1]))
        logits = null.new_full(present.shape, torch.nan)
        for index, backbone in enumerate(self.backbones):
            mine = present
            if self.mode == "two_branch":
                mine = torch.zeros_like(present)
                mine[:, index] = present[:, index]
            places = mine.nonzero(as_tuple=True)
            if len(places[0]):
                found, features = _run(backbone, x[places])
                logits = logits.index_put(places, found.to(null.dtype))
                vectors = vectors.index_put(places, features.to(null.dtype))
        return logits, vectors

    def _fused(self, vectors: Tensor) -> Tensor:
        if self.fusion == "concat":
            return vectors.flatten(1)
        if self.fusion == "mean":
            return vectors.mean(dim=1)
        return (self.attention(vectors).unsqueeze(2) * vectors).sum(dim=1)


def inflate(backbone: nn.Module, *, views: int) -> None:
    """Adapt a network of three-channel images to three channels per view by widening its first convolution.

    The old weights are repeated for each view and divided by `views`, so that equal views give the network's previous
    output for one of them. Name, bias, stride and padding are unchanged.
    Raises ValueError if the first convolution does not take three channels.
    """
    first = next((module for module in backbone.modules() if isinstance(module, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or first.groups != 1:
        raise ValueError(f"mode early needs a network whose first convolution takes three channels, found {first}")
    weights = first.weight.detach() / views
    first.weight = nn.Parameter(weights.repeat(1, views, 1, 1), requires_grad=first.weight.requires_grad)
    first.in_channels = 3 * views


def _run(backbone: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and embeddings of images. Batch norm cannot train on one image, so it then uses the running statistics."""
    with _frozen_batch_norm(backbone, wanted=len(images) == 1):
        logits, embeddings = backbone(images)
    return logits, embeddings


@contextmanager
def _frozen_batch_norm(network: nn.Module, *, wanted: bool) -> Iterator[None]:
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    frozen = [m for m in network.modules() if isinstance(m, kinds) and m.training] if wanted else []
    for module in frozen:
        module.training = False
    try:
        yield
    finally:
        for module in frozen:
            module.training = True
