"""What the report says of networks: what each is, on whom it was trained, and whether it describes others alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.page.inputs import ReportInputs
from pipeline.training.progressive import ProgressiveParams, stage_of

GREEN, AMBER, RED, UNKNOWN = "green", "amber", "red", "unknown"
Card = Mapping[str, Any]
COLUMNS = ["network", "strategy", "trained_on", "light", "n_trained", "min_patients", "max_patients"]
COLUMNS += ["about", "weights", "image_px", "embedding_width", "parameters", "min_epochs", "max_epochs", "device"]
PLAIN = {
    "alexnet": "AlexNet (Krizhevsky, arXiv 1404.5997)",
    "densenet121": "DenseNet121 (Huang et al., CVPR 2017)",
    "inception3": "Inception v3 (Szegedy et al., CVPR 2016)",
    "resnet50": "ResNet-50 (He et al., CVPR 2016)",
    "vit": "ViT-B/16 (Dosovitskiy et al., ICLR 2021)",
}
LAYERS = {
    "gap1024": "its pooled features",
    "last_conv_flat1568": "the flattened output of its last convolution",
    "bottleneck10": "ten outputs of a layer between its pooled features and the logit",
}
COMBINED = {
    "late": "a logistic regression of both logits, fitted on training patients that neither has seen",
    "mean": "the mean of both probabilities",
    "concat": "both embeddings side by side, trained as one network",
}
MODES = {
    "siamese_late": "each view through the same network",
    "two_branch": "each view through a network of its own",
    "early": "the views stacked as channels of one image, which share no pixels, so that this means nothing in space "
    "and is for comparison only",
}
JOINED = {
    "concat": "side by side",
    "mean": "by their mean",
    "gated_attention": "by gated attention (Ilse et al., 2018)",
}


def light(cards: Sequence[Card]) -> str:
    """green: crossfit, or frozen weights trained on other patients; amber: frozen weights trained on nobody knows whom;
    red: trained on the very rows it describes (insample). unknown: no card says.
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
    """What each network is; its strategy and light; how many copies were trained, on how many patients, how long."""
    rows = []
    for net, cards in study.cards.items():
        trained = [card["n_patients"] for card in cards if card.get("n_patients")]
        epochs = [card["epochs_run"] for card in cards if card.get("epochs_run")]
        first: Card = cards[0] if cards else {}
        rows.append(
            {
                "network": net,
                "strategy": ", ".join(sorted({str(card.get("strategy", "unknown")) for card in cards})) or "unknown",
                "trained_on": ", ".join(sorted({str(card["trained_on"]) for card in cards if card.get("trained_on")})),
                "light": light(cards),
                "n_trained": len(trained),
                "min_patients": min(trained, default=None),
                "max_patients": max(trained, default=None),
                "about": about(net, first),
                "weights": _joined(_weights(one) for one in _settings(first)),
                "image_px": _joined(str(one["input"]["image_size_px"]) for one in _members(first)),
                "embedding_width": first.get("embedding_width"),
                "parameters": first.get("parameters"),
                "min_epochs": min(epochs, default=None),
                "max_epochs": max(epochs, default=None),
                "device": _joined(sorted({str(card["device"]) for card in cards if card.get("device")})),
            }
        )
    whole = ["min_patients", "max_patients", "embedding_width", "parameters", "min_epochs", "max_epochs"]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(whole, "Int64"))


def set_lights(study: ReportInputs) -> Mapping[str, str]:
    """The worst light of the networks in each feature set; sets without a network are not in it."""
    order = [GREEN, UNKNOWN, AMBER, RED]
    nets = {net: light(cards) for net, cards in study.cards.items()}
    found: dict[str, str] = {}
    for name, blocks in study.params.get("fusion", {}).get("sets", {}).items():
        own = [nets[block] for block in blocks if block in nets]
        if own:
            found[name] = max(own, key=order.index)
    return found


def about(net: str, card: Card) -> str:
    """What the network of a card is, in words; the name alone where the card does not say."""
    settings = card.get("settings", {})
    if net == "dualview" and settings:
        views = " and ".join(settings["views"])
        joined = "" if settings["mode"] == "early" else f", joined {JOINED[settings['fusion']]}"
        backbone = _one(settings["backbone"], card["parts"][settings["backbone"]], card)
        return (
            f"the views {views} of a patient as one sample, {MODES[settings['mode']]}{joined}; a missing view is "
            f"learned, and in training a view is left out with probability {settings['view_dropout']:g}. Network: "
            f"{backbone}"
        )
    if net == "ptcrnet" and settings:
        parts = card.get("members") or {name: {"settings": own} for name, own in card["parts"].items()}
        each = [_one(name, part["settings"], {**card, **part}) for name, part in parts.items()]
        return f"{' and '.join(each)}; combined: {COMBINED[settings['combine']]}"
    return _one(net, settings, card)


def _one(net: str, settings: Card, card: Card) -> str:
    if net == "densenet121" and settings:
        return f"{PLAIN[net]}, of which {LAYERS[settings['layer']]} are taken"
    if net == "carnet" and settings:
        stages = ", ".join(map(str, settings["ca_stages"]))
        return f"ResNet-{settings['depth']} with coordinate attention (Hou et al., CVPR 2021) in stages {stages}"
    if net == "penet" and settings:
        return f"EfficientNetV2-S (Tan and Le, ICML 2021){_growth(settings, side_px=card['input']['image_size_px'])}"
    return PLAIN.get(net, net)


def _growth(settings: Card, *, side_px: int) -> str:
    params = ProgressiveParams.model_validate(settings["progressive"])
    target = settings["train_size_px"] or side_px
    stages = [stage_of(s, steps=params.stages, target_px=target, params=params) for s in range(params.stages)]
    if len(stages) == 1:
        return ""
    sides, first, last = ", ".join(str(stage.size_px) for stage in stages), stages[0], stages[-1]
    return (
        f", trained in {len(stages)} stages with images of {sides} px, augmentation at {first.magnitude:.0%} to "
        f"{last.magnitude:.0%} of its strength, mixup alpha {first.mixup_alpha:g} to {last.mixup_alpha:g}, dropout "
        f"{first.dropout:g} to {last.dropout:g}"
    )


def _members(card: Card) -> list[Card]:
    """The card of each network that is trained apart; the card itself where it is one."""
    return [one for one in card.get("members", {"": card}).values() if "input" in one]


def _settings(card: Card) -> list[Card]:
    """The settings that say where weights come from: those of a network, or of the parts it is made of."""
    found: list[Card] = []
    for member in _members(card):
        own = member["settings"]
        parts = list(member.get("parts", {}).values())
        found += [own] if own["weights"]["source"] == "file" or not parts else parts
    return found


def _weights(settings: Card) -> str:
    weights = settings["weights"]
    return {"none": "random", "torchvision": f"torchvision's {weights['name']}", "file": f"file {weights['file']}"}[
        weights["source"]
    ]


def _joined(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
