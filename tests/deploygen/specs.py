"""Specs for tests."""

from typing import Any

from deploygen.spec.errors import make_spec
from deploygen.spec.model import AgentSpec


def spec_of(registry_url: str | None = "http://reg:9000", **fields: Any) -> AgentSpec:
    """Return the spec of "an-agent" with these fields; without a registry if the URL is None."""
    registry = (
        False if registry_url is None else {"url": registry_url, **fields.pop("registry", {})}
    )
    return make_spec({"name": "an-agent", **fields, "registry": registry})
