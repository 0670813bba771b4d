"""Which sections of `params/embed.yaml` a network uses, so that a change of one section retrains no other network."""

from collections.abc import Mapping
from typing import Any

# Networks whose member networks are listed here rather than in their own section.
MEMBERS = {"ptcrnet": ("carnet", "penet")}


def sections_of(embed: Mapping[str, Any], *, net: str) -> list[str]:
    """The sections that the network `net` uses: its own, its backbone's, its members'.

    `embed` is the content of `params/embed.yaml`. Names without a section are kept: `embed` refuses them by name.
    """
    backbone = (embed.get(net) or {}).get("backbone")
    return [net, *([backbone] if backbone else []), *MEMBERS.get(net, ())]


def network_settings(embed: Mapping[str, Any], *, net: str) -> dict[str, Any]:
    """The content of the sections that the network `net` uses, by section."""
    return {name: embed.get(name) for name in sections_of(embed, net=net)}
