"""A2A 0.3, section 5.5."""

from typing import Any

# Clients need all three numbers.
VERSION = "0.3.0"


def with_0_3(card: dict[str, Any], url: str) -> dict[str, Any]:
    interfaces = card["supportedInterfaces"]
    added: dict[str, Any] = {
        "protocolVersion": VERSION,
        "url": url,
        "preferredTransport": "JSONRPC",
        # Clients of 1.0 choose the first that they know.
        "supportedInterfaces": [
            *interfaces,
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
        ],
    }
    schemes = card.get("securitySchemes", {})
    if schemes:
        added["securitySchemes"] = {
            name: each | {"type": "http", **each["httpAuthSecurityScheme"]}
            for name, each in schemes.items()
        }
        added["security"] = [{name: []} for name in schemes]
    return card | added
