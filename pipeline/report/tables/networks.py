"""The networks in the report: what each is, its training patients, and whether it embeds held-out patients only."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.networks.progressive import ProgressiveParams, stage_of
from pipeline.plan.feature_sets import network_behind
from pipeline.report.inputs import ReportInputs

GREEN, AMBER, RED, UNKNOWN = "green", "amber", "red", "unknown"
Card = Mapping[str, Any]
WORDS = ["strategy", "trained_on", "light", "about", "layers", "embedding", "weights", "image_px", "device"]
NUMBERS = ["n_trained", "min_patients", "max_patients", "embedding_width", "parameters", "min_epochs", "max_epochs"]
NUMBERS += ["n_networks", "n_watched", "n_stopped"]
SOURCES = {
    "alexnet": "AlexNet (Krizhevsky, arXiv 1404.5997)",
    "densenet121": "DenseNet121 (Huang et al., CVPR 2017)",
    "inception3": "Inception v3 (Szegedy et al., CVPR 2016)",
    "penet": "EfficientNetV2-S (Tan and Le, ICML 2021)",
    "resnet50": "ResNet-50 (He et al., CVPR 2016)",
    "vit": "ViT-B/16 (Dosovitskiy et al., ICLR 2021)",
}
EMBEDDINGS = {
    "alexnet": "its second hidden layer",
    "carnet": "the average of its last stage over the image",
    "inception3": "the average of its last block over the image",
    "penet": "the average of its last convolution over the image",
    "resnet50": "the average of its last stage over the image",
    "vit": "its class token",
}
LAYERS = {
    "gap1024": "the average of its last block over the image",
    "last_conv_flat1568": "its last convolution, flattened",
    "bottleneck10": "ten outputs of a layer before the logit",
}
COMBINED = {
    "late": "Their probability is that of a logistic regression of both logits, fitted on training patients that "
    "neither was trained on",
    "mean": "Their probability is the mean of both",
    "concat": "as one network with one logit of both embeddings",
}
MODES = {
    "siamese_late": "both views go through the same network",
    "two_branch": "each view goes through a network of its own",
    "early": "the views are the channels of one image, although they share no pixels; this means nothing in space and "
    "is for comparison only",
}
UNFREEZE = {
    "all": "all of them trained",
    "last_stage": "those of its last stage and its head trained",
    "none": "those of its head alone trained",
}
# Augmentation, by key in params/embed.yaml: the words before the number, and after it.
CHANGES = {
    "scale": ("size up or down by", ""),
    "rotation_deg": ("rotation up to", "°"),
    "shift": ("shift up to", " of the side"),
    "shear_deg": ("shear up to", "°"),
    "flip": ("left-right flip with probability", ""),
    "contrast": ("contrast up or down by", ""),
    "brightness": ("brightness up or down by", ""),
    "noise_sd": ("Gaussian noise of SD", ""),
}
JOINED = {
    "concat": "side by side",
    "mean": "averaged",
    "gated_attention": "averaged with weights of a gated attention (Ilse et al., ICML 2018)",
}


def light(cards: Sequence[Card]) -> str:
    """green: crossfit, or frozen weights trained on other patients; amber: weights with unknown training patients; red:
    trained on the rows that it embeds (insample); unknown: no card records it.
    """
    strategies = {card.get("strategy") for card in cards}
    if "insample" in strategies:
        return RED
    if strategies == {"crossfit"}:
        pretrained = {card.get("trained_on") for card in cards} - {None, "other_patients"}
        return AMBER if pretrained else GREEN
    if strategies == {"frozen"}:
        return GREEN if {card.get("trained_on") for card in cards} == {"other_patients"} else AMBER
    return UNKNOWN


def network_table(study: ReportInputs) -> pd.DataFrame:
    """Each network: what it is, its strategy and light, the number of trained copies, their patients and epochs.

    A copy of `ptcrnet` may be two networks that are trained separately: `n_networks` counts these, `n_watched` those of
    them that held patients out for early stopping, `n_stopped` those that stopped before the last epoch.
    """
    rows = [{"network": net} | _in_words(net, cards) | _counted(net, cards) for net, cards in study.cards.items()]
    return pd.DataFrame(rows, columns=["network", *WORDS, *NUMBERS]).astype(dict.fromkeys(NUMBERS, "Int64"))


def _in_words(net: str, cards: Sequence[Card]) -> dict[str, str]:
    first: Card = cards[0] if cards else {}
    own = first.get("settings") or {}
    sides = {name: str(one["input"]["image_size_px"]) for name, one in _members(net, first).items()}
    return {
        "strategy": ", ".join(sorted({str(card.get("strategy", "unknown")) for card in cards})) or "unknown",
        "trained_on": ", ".join(sorted({str(card["trained_on"]) for card in cards if card.get("trained_on")})),
        "light": light(cards),
        "about": about(net, first),
        "layers": UNFREEZE[own.get("unfreeze", "all")] if own and _is_trained(first) else "",
        "embedding": embedding(net, first),
        "weights": _by_name({name: _weights(name, own) for name, own in _started(net, first).items()}),
        "image_px": _by_name(sides),
        "device": ", ".join(sorted({str(card["device"]) for card in cards if card.get("device")})),
    }


def _counted(net: str, cards: Sequence[Card]) -> dict[str, int | None]:
    patients = [card["n_patients"] for card in cards if card.get("n_patients")]
    runs = [
        (one["epochs_run"], one["n_validation_patients"], card["training"]["epochs"])
        for card in cards
        for one in _members(net, card).values()
        if one.get("epochs_run")
    ]
    first: Card = cards[0] if cards else {}
    return {
        "n_trained": len(patients),
        "min_patients": min(patients, default=None),
        "max_patients": max(patients, default=None),
        "embedding_width": first.get("embedding_width"),
        "parameters": first.get("parameters"),
        "min_epochs": min((run for run, *_ in runs), default=None),
        "max_epochs": max((run for run, *_ in runs), default=None),
        "n_networks": len(runs),
        "n_watched": sum(held > 0 for _, held, _ in runs),
        "n_stopped": sum(run < epochs for run, _, epochs in runs),
    }


def set_lights(study: ReportInputs) -> Mapping[str, str]:
    """The worst light of the networks in each feature set; sets without a network are omitted."""
    order = [GREEN, UNKNOWN, AMBER, RED]
    nets = {net: light(cards) for net, cards in study.cards.items()}
    found: dict[str, str] = {}
    for name, blocks in study.params.get("fusion", {}).get("sets", {}).items():
        own = [nets[net] for block in blocks if (net := network_behind(str(block), nets=nets))]
        if own:
            found[name] = max(own, key=order.index)
    return found


def network_words(study: ReportInputs) -> dict[str, Any]:
    """Variables of the methods section that concern all networks: the augmentations that are turned on (key, words
    before and after the number), whether any lesion has several slices, whether a GPU was used.
    """
    strengths = study.params.get("embed", {}).get("augmentation", {})
    devices = {card["device"] for cards in study.cards.values() for card in cards if card.get("device")}
    return {
        "changes": [(key, *words) for key, words in CHANGES.items() if strengths.get(key)],
        "has_volumes": bool(study.rois["depth_px"].gt(1).any()),
        "on_gpu": bool(devices - {"cpu"}),
    }


def about(net: str, card: Card) -> str:
    """The architecture of a card's network, in words; its name alone if the card has no settings."""
    settings = card.get("settings")
    if not settings:
        return SOURCES.get(net, net)
    if "model" in settings:
        return _backbone(settings, card)
    if net == "dualview":
        return _of_views(settings, card)
    if net == "ptcrnet":
        return _of_both(settings, card)
    return _architecture(net, settings) + _schedule(settings, card)


def embedding(net: str, card: Card) -> str:
    """The layer that a card's network uses as its embedding, in words; empty if the card has no settings."""
    settings = card.get("settings")
    if not settings:
        return ""
    if "model" in settings:
        return "the pooled features before its classifier"
    if net == "densenet121":
        return LAYERS[settings["layer"]]
    if net == "ptcrnet":
        return "the embeddings of both, side by side"
    if net == "dualview":
        backbone = settings["backbone"]
        each = embedding(backbone, {"settings": card["parts"][backbone]})
        return each if settings["mode"] == "early" else f"for each view {each}, the two {JOINED[settings['fusion']]}"
    return EMBEDDINGS.get(net, "")


def _backbone(settings: Card, card: Card) -> str:
    words = [f"{settings['model']} of timm (Wightman, doi:10.5281/zenodo.4414861)"]
    if settings["inference_precision"] != "float32":
        effect = card.get("bfloat16_effect", float("nan"))
        words.append(f"embeddings in bfloat16, at most {effect:.1g} in cosine distance from those in float32")
    if _is_trained(card):
        if settings["head_epochs"]:
            words.append(f"only its head is trained in the first {settings['head_epochs']} epochs")
        if settings["layer_decay"] < 1:
            words.append(f"the learning rate falls by the factor {settings['layer_decay']:g} per stage from the end")
    return "; ".join(words)


def _of_views(settings: Card, card: Card) -> str:
    backbone, early = settings["backbone"], settings["mode"] == "early"
    part = card["parts"][backbone]
    words = [
        f"{_architecture(backbone, part)}{_schedule(part, card)}, for two views of a patient as one sample "
        f"({' and '.join(settings['views'])}): {MODES[settings['mode']]}",
        f"a missing view is replaced by a learned {'grey level' if early else 'vector'}",
    ]
    if _is_trained(card) and settings["view_dropout"]:
        words.append(f"in training a view is dropped with probability {settings['view_dropout']:g}")
    if _is_trained(card) and settings["auxiliary_weight"] and not early:
        words.append(f"the loss of each view's own logit counts {settings['auxiliary_weight']:g}")
    return "; ".join(words)


def _of_both(settings: Card, card: Card) -> str:
    if members := card.get("members"):
        each = [f"{name}: {about(name, {**card, **one})}" for name, one in members.items()]
        together = COMBINED[settings["combine"]] if _is_trained(card) else "Only their embeddings are used"
        return ". ".join([f"{' and '.join(members)}, each on its own", *each, together])
    parts = [f"{name}: {_architecture(name, one)}" for name, one in card["parts"].items()]
    one_logit = f"{' and '.join(card['parts'])}, {COMBINED['concat']}{_schedule(card['parts']['penet'], card)}"
    return ". ".join([one_logit, *parts])


def _architecture(net: str, settings: Card) -> str:
    if net != "carnet":
        return SOURCES.get(net, net)
    stages, attention = settings["ca_stages"], "coordinate attention (Hou et al., CVPR 2021)"
    places = f"stage{'' if len(stages) == 1 else 's'} {', '.join(map(str, stages))}"
    return f"ResNet-{settings['depth']} (He et al., CVPR 2016) with {attention} in {places}"


def _is_trained(card: Card) -> bool:
    return bool(card.get("strategy") != "frozen")


def _schedule(settings: Card, card: Card) -> str:
    """The schedule of a network with a `progressive` section; empty for other networks and for given weights."""
    if "progressive" not in settings or not _is_trained(card):
        return ""
    params, side_px = ProgressiveParams.model_validate(settings["progressive"]), card["input"]["image_size_px"]
    target = settings["train_size_px"] or side_px
    stages = [stage_of(s, steps=params.stages, target_px=target, params=params) for s in range(params.stages)]
    sides, ends = ", ".join(str(stage.size_px) for stage in stages), (stages[0], stages[-1])
    return (
        f", trained in {len(stages)} stage{'' if len(stages) == 1 else 's'} with images of {sides} px"
        f"{f' (and used at {side_px} px)' if target != side_px else ''}, augmentation at "
        f"{_range(*(round(100 * end.magnitude, 6) for end in ends))} % of its strength, mixup with alpha "
        f"{_range(*(end.mixup_alpha for end in ends))}, dropout {_range(*(end.dropout or 0.0 for end in ends))}"
    )


def _range(first: float, last: float) -> str:
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def _members(net: str, card: Card) -> dict[str, Card]:
    """The card of each separately trained network, by its name; the card itself if it is a single network."""
    return {name: one for name, one in card.get("members", {net: card}).items() if "input" in one}


def _started(net: str, card: Card) -> dict[str, Card]:
    """The settings that give the source of the weights: those of a network, or of its members."""
    found: dict[str, Card] = {}
    for name, member in _members(net, card).items():
        own, parts = member["settings"], member.get("parts", {})
        found |= {name: own} if own["weights"]["source"] == "file" or not parts else parts
    return found


def _weights(net: str, settings: Card) -> str:
    weights = settings["weights"]
    licence = f", licence {weights['licence'] or 'not stated'}" if "licence" in weights else ""
    if weights["source"] == "file":
        return f"file {weights['file']}, SHA-256 {weights['sha256'][:12]}{licence}"
    if weights["source"] == "hub":
        return f"{weights['repository']} at revision {weights['revision'][:12]}{licence}"
    if weights["source"] == "none":
        return "random"
    return f"torchvision's {weights['name']}{', the attention random' if net == 'carnet' else ''}"


def _by_name(values: Mapping[str, str]) -> str:
    """The common value if all are equal, else each with its name."""
    if len(set(values.values())) <= 1:
        return next(iter(values.values()), "")
    return "; ".join(f"{name} {value}" for name, value in values.items())
