"""Which sections of `params/embed.yaml` a network uses, so that a change of one section retrains no other network."""

from collections.abc import Mapping
from typing import Any

# Networks whose member networks are listed here rather than in their own section.
MEMBERS = {"ptcrnet": ("carnet", "penet")}


def sections_of(embed: Mapping[str, Any], *, net: str) -> list[str]:
    """The sections that the network `net` uses: its own, its backbone's, its members'.

    `embed` is the content of `params/embed.yaml`. Names without a section are kept: `embed` refuses them by name.
    """
    backbone = (_section(embed, net) or {}).get("backbone")
    return [net, *([backbone] if backbone else []), *MEMBERS.get(net, ())]


def network_settings(embed: Mapping[str, Any], *, net: str) -> dict[str, Any]:
    """The content of the sections that the network `net` uses, by section."""
    return {name: _section(embed, name) for name in sections_of(embed, net=net)}


def strategy_of(embed: Mapping[str, Any], *, net: str) -> Any:
    """The strategy of the network `net`: that of its own section if it states one, else the shared one."""
    return (_section(embed, net) or {}).get("strategy") or embed.get("strategy")


def _section(embed: Mapping[str, Any], name: str) -> Any:
    """The section of a network: an entry of `backbones`, or a key of its own."""
    return (embed.get("backbones") or {}).get(name) or embed.get(name)
