from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from ..config import CONFIG_FILE, AgentConfig, ConfigError, Part, validated

SECTION = "registry"
TTL = "AGENT_TTL_SECONDS"
VARIABLES = {
    "url": "AGENT_REGISTRY_URL",
    "ttl_seconds": TTL,
    "heartbeat_interval": "AGENT_HEARTBEAT_SECONDS",
}


class RegistrySettings(Part):
    url: str
    ttl_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    # None: the registry's.
    heartbeat_interval: Annotated[float | None, Field(gt=0)] = None

    @field_validator("heartbeat_interval")
    @classmethod
    def _check_interval(cls, interval: float | None, info: ValidationInfo) -> float | None:
        ttl = info.data.get("ttl_seconds")
        if interval is not None and ttl is not None and interval > ttl / 2:
            raise ValueError(f"at most half of the TTL, which is {ttl} s")
        return interval


def read_settings(config: AgentConfig) -> RegistrySettings:
    """Raises ConfigError."""
    section, where = (config.model_extra or {}).get(SECTION), f'{CONFIG_FILE}, "{SECTION}"'
    if not isinstance(section, dict):
        raise ConfigError(f"{where} must be an object")
    if config.environ.get(TTL):
        # The file's interval suits only its TTL.
        section = {key: value for key, value in section.items() if key != "heartbeat_interval"}
    return validated(RegistrySettings, section, VARIABLES, config.environ, where)


def url_source(config: AgentConfig) -> str:
    variable = VARIABLES["url"]
    return variable if config.environ.get(variable) else f'{CONFIG_FILE}, "{SECTION}": url'
