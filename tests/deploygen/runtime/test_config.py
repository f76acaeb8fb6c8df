import json
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime.config import AgentConfig, ConfigError, Declared, Skill, read_config
from deploygen.runtime.registry.settings import RegistrySettings, read_settings

DOCUMENT = {"name": "echo", "agent_id": "echo-1", "description": "Echoes", "port": 8000}
REGISTRY = {"url": "http://registry:9000", "ttl_seconds": 60, "heartbeat_interval": None}


def config_of(folder: Path, document: Any = DOCUMENT, **environ: str) -> AgentConfig:
    (folder / "agent.json").write_text(json.dumps(document))
    return read_config(folder, environ)


def settings_of(folder: Path, section: Any = REGISTRY, **environ: str) -> RegistrySettings:
    return read_settings(config_of(folder, {**DOCUMENT, "registry": section}, **environ))


def test_the_file_is_read(tmp_path: Path) -> None:
    config = config_of(tmp_path, {**DOCUMENT, "extensions": ["more"]})
    assert (config.name, config.agent_id, config.port) == ("echo", "echo-1", 8000)
    assert config.description == "Echoes"
    assert config.extensions == ["more"]
    assert config.drain_seconds == 7.0


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environ = {"AGENT_ID": "other", "AGENT_PORT": "9001", "AGENT_DRAIN_SECONDS": "2.5"}
    config = config_of(tmp_path, **environ)
    assert (config.agent_id, config.port, config.drain_seconds) == ("other", 9001, 2.5)


def test_the_variable_port_replaces_the_default_port(tmp_path: Path) -> None:
    assert config_of(tmp_path, PORT="8123").port == 8123


def test_the_spec_and_agent_port_override_the_variable_port(tmp_path: Path) -> None:
    assert config_of(tmp_path, {**DOCUMENT, "port": 9000}, PORT="8123").port == 9000
    assert config_of(tmp_path, PORT="8123", AGENT_PORT="8000").port == 8000
    assert config_of(tmp_path, {**DOCUMENT, "port": 9000}, PORT="none").port == 9000


def test_an_invalid_value_of_the_variable_port_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^PORT: "):
        config_of(tmp_path, PORT="tcp://10.0.0.1:80")


def test_the_drain_time_is_at_most_a_day(tmp_path: Path) -> None:
    assert config_of(tmp_path, AGENT_DRAIN_SECONDS="86400").drain_seconds == 86_400
    with pytest.raises(
        ConfigError, match=r"AGENT_DRAIN_SECONDS: .* less than or equal to 86400; it is"
    ):
        config_of(tmp_path, AGENT_DRAIN_SECONDS="1e12")


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    environ = {"AGENT_ID": "", "AGENT_PORT": "", "AGENT_DRAIN_SECONDS": ""}
    config = config_of(tmp_path, **environ)
    assert (config.agent_id, config.port) == ("echo-1", 8000)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AGENT_ID", "a/b"),
        ("AGENT_ID", "x" * 256),
        ("AGENT_ID", "a\n"),
        ("AGENT_PORT", "0"),
        ("AGENT_PORT", "65536"),
        ("AGENT_PORT", "http"),
        ("AGENT_PORT", "-1"),
        ("AGENT_PORT", "\u0661\u0662\u0663"),
        ("AGENT_KEEP_ALIVE_SECONDS", "0"),
        ("AGENT_DRAIN_SECONDS", "soon"),
        ("AGENT_DRAIN_SECONDS", "-1"),
        ("AGENT_DRAIN_SECONDS", "inf"),
        ("AGENT_DRAIN_SECONDS", "1e12"),
        ("AGENT_DRAIN_SECONDS", "86400.1"),
        ("AGENT_DRAIN_SECONDS", "nan"),
    ],
)
def test_an_invalid_variable_is_named(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        config_of(tmp_path, **{variable: value})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "must hold a JSON object"),
        ('{"name": "a", "port": 1}', "agent_id: Field required"),
        (
            '{"name": "a", "agent_id": "a", "port": 1, "extensions": "x"}',
            "extensions: .* a valid list",
        ),
        (
            '{"name": "a", "agent_id": "a", "port": 1, "extensions": [1]}',
            r"extensions\.0: .* a valid string",
        ),
    ],
)
def test_an_invalid_file_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "agent.json").write_text(text)
    with pytest.raises(ConfigError, match=problem):
        read_config(tmp_path, {})


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent\.json cannot be read"):
        read_config(tmp_path, {})


# --- Declarations -----------------------------------------------------------------------------


def test_declarations_are_read(tmp_path: Path) -> None:
    declared = {
        "version": "1.2.0",
        "handler": "package.module:function",
        "inputs": [
            {"name": "a", "type": "integer", "required": True, "description": "the first"},
            {"name": "b", "type": "string", "required": False, "default": "x"},
            {"name": "c", "type": "array", "required": False, "default": None},
        ],
        "outputs": [{"name": "sum", "type": "number"}],
        "skills": [{"id": "sum", "name": "Sum", "description": "Adds", "tags": ["t"]}],
        "tags": ["math"],
        "environment": {"PLAIN": None, "EMPTY": "", "VALUED": "v"},
        "secrets": ["API_KEY"],
        "dependencies": ["db:5432"],
        "sync_timeout": 2,
        "max_jobs": 3,
    }
    config = config_of(tmp_path, {**DOCUMENT, **declared})
    assert (config.version, config.handler) == ("1.2.0", "package.module:function")
    assert config.inputs == [
        Declared(name="a", type="integer", description="the first"),
        Declared(name="b", type="string", required=False, default="x"),
        Declared(name="c", type="array", required=False),
    ]
    assert [each.must_be_sent for each in config.inputs] == [True, False, False]
    assert config.outputs == [Declared(name="sum", type="number")]
    assert config.skills == [Skill(id="sum", name="Sum", description="Adds", tags=["t"])]
    assert (config.tags, config.secrets) == (["math"], ["API_KEY"])
    assert (config.dependencies, config.sync_timeout) == (["db:5432"], 2.0)
    assert config.max_jobs == 3
    assert config.environment == {"PLAIN": None, "EMPTY": "", "VALUED": "v"}


def test_missing_declarations_have_their_defaults(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert (config.version, config.handler) == ("0.1.0", "handler:handle")
    assert (config.sync_timeout, config.max_jobs) == (30.0, 16)
    nothing = (config.inputs, config.outputs, config.skills, config.tags, config.secrets)
    assert not any((*nothing, config.dependencies, config.environment))


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"handler": "handler"}, "handler: String should match pattern"),
        ({"handler": "../x:handle"}, "handler: String should match pattern"),
        ({"handler": "x:y\n"}, "handler: String should match pattern"),
        ({"inputs": {}}, "inputs: Input should be a valid list"),
        ({"inputs": [{"type": "string"}]}, r"inputs\.0\.name: Field required"),
        ({"inputs": [{"name": "a", "type": "text"}]}, r"inputs\.0\.type: Input should be 'string'"),
        ({"inputs": [{"name": "a", "type": ["string"]}]}, r"inputs\.0\.type"),
        ({"outputs": [{"name": "a", "type": "array"}] * 2}, "outputs: .*a name occurs twice"),
        ({"skills": [{"name": "a"}]}, r"skills\.0\.id: Field required"),
        ({"tags": [1]}, r"tags\.0: Input should be a valid string"),
        ({"environment": ["A"]}, "environment: Input should be a valid dictionary"),
        ({"environment": {"A": 1}}, r"environment\.A: Input should be a valid string"),
        ({"secrets": "KEY"}, "secrets: Input should be a valid list"),
        ({"sync_timeout": 0}, "sync_timeout: Input should be greater than 0"),
        ({"sync_timeout": "30"}, "sync_timeout: Input should be a valid number"),
        ({"sync_timeout": True}, "sync_timeout: Input should be a valid number"),
        ({"max_jobs": 0}, "max_jobs: Input should be greater than or equal to 1"),
        ({"max_jobs": 1.5}, "max_jobs: Input should be a valid integer"),
    ],
)
def test_an_invalid_declaration_is_named(
    tmp_path: Path, declared: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        config_of(tmp_path, {**DOCUMENT, **declared})


# --- The registry section ---------------------------------------------------------------------


def test_the_file_may_leave_the_interval_to_the_registry(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == RegistrySettings(url="http://registry:9000", ttl_seconds=60)


def test_an_interval_in_the_file_is_kept(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {**REGISTRY, "heartbeat_interval": 5}).heartbeat_interval == 5


def test_variables_override_the_section(tmp_path: Path) -> None:
    environ = {
        "AGENT_REGISTRY_URL": "https://other",
        "AGENT_TTL_SECONDS": "3",
        "AGENT_HEARTBEAT_SECONDS": "0.5",
    }
    assert settings_of(tmp_path, **environ) == RegistrySettings(
        url="https://other", ttl_seconds=3, heartbeat_interval=0.5
    )


def test_a_ttl_from_the_environment_discards_the_interval_in_the_file(tmp_path: Path) -> None:
    section = {**REGISTRY, "heartbeat_interval": 25}
    settings = settings_of(tmp_path, section, AGENT_TTL_SECONDS="3")
    assert settings == RegistrySettings(url="http://registry:9000", ttl_seconds=3)


def test_an_interval_from_the_environment_is_combined_with_the_ttl_in_the_file(
    tmp_path: Path,
) -> None:
    assert settings_of(tmp_path, AGENT_HEARTBEAT_SECONDS="30").heartbeat_interval == 30


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"AGENT_TTL_SECONDS": "2.5"}, "AGENT_TTL_SECONDS"),
        ({"AGENT_TTL_SECONDS": "86401"}, "AGENT_TTL_SECONDS"),
        ({"AGENT_TTL_SECONDS": "0.5"}, "AGENT_TTL_SECONDS"),
        ({"AGENT_TTL_SECONDS": "0"}, "AGENT_TTL_SECONDS"),
        ({"AGENT_HEARTBEAT_SECONDS": "30.1"}, "AGENT_HEARTBEAT_SECONDS"),
        ({"AGENT_HEARTBEAT_SECONDS": "0"}, "AGENT_HEARTBEAT_SECONDS"),
    ],
)
def test_invalid_seconds_are_named(tmp_path: Path, environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        settings_of(tmp_path, **environ)


@pytest.mark.parametrize(
    "section",
    [
        None,
        [],
        {**REGISTRY, "ttl_seconds": "60"},
        {**REGISTRY, "ttl_seconds": True},
        {**REGISTRY, "heartbeat_interval": "5"},
        {**REGISTRY, "heartbeat_interval": 31},
    ],
)
def test_an_invalid_section_is_refused(tmp_path: Path, section: Any) -> None:
    with pytest.raises(ConfigError):
        settings_of(tmp_path, section)
