"""A2A cards in the version that a caller knows.

https://a2a-protocol.org/latest/specification/, appendix A.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.json_values import list_at, text_at

VERSIONS = ("0.3", "1.0")
OLD_PROTOCOL = "0.3.0"
# Fields of one version only. Signatures of a changed card would be wrong.
ONLY_OLD = ("url", "preferredTransport", "additionalInterfaces", "protocolVersion", "security")
ONLY_NEW = ("supportedInterfaces", "securityRequirements")
SIGNATURES = "signatures"

Card = Mapping[str, Any]


def in_version(card: Card, version: str | None) -> Card:
    """Return a card in a version of A2A. Without an address, it stays as it is."""
    if version == "1.0" and not card.get("supportedInterfaces") and _interfaces(card):
        return _without(card, ONLY_OLD) | {
            "supportedInterfaces": _interfaces(card),
            **_renamed(card, "security", "securityRequirements"),
        }
    if version == "0.3" and not card.get("url") and _interfaces(card):
        first, *others = _interfaces(card)
        return _without(card, ONLY_NEW) | {
            "protocolVersion": OLD_PROTOCOL,
            "url": first["url"],
            "preferredTransport": first["protocolBinding"],
            "additionalInterfaces": [
                {"url": one["url"], "transport": one["protocolBinding"]} for one in others
            ],
            **_renamed(card, "securityRequirements", "security"),
        }
    return card


def address_in(card: Card) -> str | None:
    """Return the first address at which a card says that its agent is called."""
    interfaces = _interfaces(card)
    return interfaces[0]["url"] if interfaces else None


def _interfaces(card: Card) -> list[dict[str, str]]:
    """Return the interfaces as in A2A 1.0, the preferred one first."""
    if new := [one for one in list_at(card, "supportedInterfaces") if text_at(one, "url")]:
        return [_interface(one["url"], one.get("protocolBinding"), one) for one in new]
    if not text_at(card, "url"):
        return []
    others = [one for one in list_at(card, "additionalInterfaces") if text_at(one, "url")]
    preferred = _interface(card["url"], card.get("preferredTransport"), {})
    found = [preferred, *(_interface(one["url"], one.get("transport"), {}) for one in others)]
    # 0.3 often lists the preferred one again.
    return list({(one["url"], one["protocolBinding"]): one for one in found}.values())


def _interface(url: str, binding: Any, known: Mapping[str, Any]) -> dict[str, str]:
    defaults = {"protocolBinding": "JSONRPC", "protocolVersion": "0.3"}
    given = {"protocolBinding": binding, "protocolVersion": known.get("protocolVersion")}
    return {"url": url, **defaults, **{k: v for k, v in given.items() if isinstance(v, str) and v}}


def _renamed(card: Card, old: str, new: str) -> dict[str, Any]:
    return {new: card[old]} if old in card else {}


def _without(card: Card, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name not in {*names, SIGNATURES}}
