"""Names of features: in words for display, and what a column's name says of it."""

import re

from pipeline.contracts.data.embed import LOGIT
from pipeline.contracts.data.reduce import MISSING
from pipeline.contracts.data.split import ALL
from pipeline.plan.feature_sets import CLINICAL, OF_IMAGES, RADIOMICS

FILTERS = {"original": "original image", "lbp-2D": "LBP", "squareroot": "square root"}
COMPONENT = re.compile(r"pc(\d+)")
PART = re.compile(r" \(part \w+\)$")
HABITAT = re.compile(r"habitat_(\d)_(.+)")
CONTACT = re.compile(r"contact_(\d)_(\d)")
LOG = re.compile(r"log-sigma-(\d+)-(\d+)-mm-3D")


def feature_words(feature: str) -> str:
    """`wavelet-LL_glszm_ZoneEntropy@trans` as "Zone entropy (glszm, wavelet-LL; trans)"; other names unchanged."""
    name, _, view = feature.partition("@")
    parts = name.split("_")
    if name == MISSING:
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


def column_words(column: str) -> str:
    """The column `block.feature` of a reduced table in words; the block is named unless the words imply it."""
    plain = without_part(column)
    block, _, feature = plain.partition(".")
    # Only names that a stage made have a grammar; a column that a user named keeps its words.
    known = is_component(plain) or feature.partition("@")[0].endswith(LOGIT) or feature.partition("@")[0] == MISSING
    if not known and block not in OF_IMAGES:
        words = feature.replace("_", " ")
        return words if block == CLINICAL else f"{block}: {words}"
    words = feature_words(feature)
    return words if block == RADIOMICS else f"{block}: {words}{column.removeprefix(plain)}"


def block_of(column: str) -> str:
    """The block of the column `block.feature`."""
    return column.partition(".")[0]


def view_of(column: str) -> str:
    """The view of the column `block.feature@view`; empty if it belongs to no view."""
    return column.partition(".")[2].partition("@")[2]


def is_component(column: str) -> bool:
    """Whether the column is a principal component: its name means another axis in every fit."""
    return COMPONENT.fullmatch(column.partition(".")[2].partition("@")[0]) is not None


def name_in_part(column: str, part: str) -> str:
    """The column, with its part if it is a principal component of one of several parts."""
    return f"{column} (part {part})" if part != ALL and is_component(column) else column


def without_part(name: str) -> str:
    """The column of a name that `name_in_part` gave."""
    return PART.sub("", name)
