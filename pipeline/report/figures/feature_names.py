"""Names of features for display."""

import re

from pipeline.contracts.data.embed import LOGIT

FILTERS = {"original": "original image", "lbp-2D": "LBP", "squareroot": "square root"}
COMPONENT = re.compile(r"pc(\d+)")
HABITAT = re.compile(r"habitat_(\d)_(.+)")
CONTACT = re.compile(r"contact_(\d)_(\d)")
LOG = re.compile(r"log-sigma-(\d+)-(\d+)-mm-3D")


def feature_words(feature: str) -> str:
    """`wavelet-LL_glszm_ZoneEntropy@trans` as "Zone entropy (glszm, wavelet-LL; trans)"; other names unchanged."""
    name, _, view = feature.partition("@")
    parts = name.split("_")
    if name == "missing":
        return f"no image of view {view}" if view else "no image"
    if component := COMPONENT.fullmatch(name):
        return f"component {int(component[1])}"
    if name.endswith(LOGIT):
        return f"logit of {name.removesuffix(LOGIT)}{f' ({view})' if view else ''}"
    if words := _region_words(name, at=f"; {view}" if view else ""):
        return words
    if len(parts) != 3:
        return f"{name} ({view})" if view else name
    kind, family, what = parts
    log = LOG.fullmatch(kind)
    image = f"LoG {log[1]}.{log[2]} mm" if log else FILTERS.get(kind, kind)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", what)
    phrase = " ".join([words.split()[0], *(w.lower() if w[1:].islower() else w for w in words.split()[1:])])
    return f"{phrase} ({family}, {image}{f'; {view}' if view else ''})"


def _region_words(name: str, *, at: str) -> str:
    """A feature of habitats in words; empty for any other."""
    if contact := CONTACT.fullmatch(name):
        return f"contact (habitats {contact[1]} and {contact[2]}{at})"
    if region := HABITAT.fullmatch(name):
        words = feature_words(region[2])
        return (
            f"{words[:-1]}; habitat {region[1]}{at})" if words.endswith(")") else f"{words} (habitat {region[1]}{at})"
        )
    return ""
