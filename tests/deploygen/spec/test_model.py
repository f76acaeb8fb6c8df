from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.spec.errors import SpecError
from deploygen.spec.fields import LONGEST_DESCRIPTION
from deploygen.spec.parts import Registry
from tests.deploygen.specs import spec_of as spec


def lease(**fields: Any) -> Registry:
    registry = spec(registry=fields).registry
    assert registry
    return registry


def assert_refused(field: str, **fields: Any) -> None:
    with pytest.raises(SpecError) as refused:
        spec(**fields)
    [problem] = refused.value.problems
    assert problem.field == field
    assert str(refused.value) == f"{field}: {problem.text}"


def test_a_name_is_enough() -> None:
    found = spec()
    assert (found.agent_id, found.description, found.port) == ("an-agent", "", 8000)
    assert lease() == Registry(url="http://reg:9000", ttl_seconds=60)


@pytest.mark.parametrize("name", ["a", "0", "a-b", "a--b", "a.b", "a_b", "a__b", "x" * 63])
def test_names_valid_for_images_are_accepted(name: str) -> None:
    assert spec(name=name).agent_id == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "a b",
        "-a",
        "a-",
        ".",
        "..",
        "a..b",
        "a/b",
        "../a",
        "a:b",
        "x" * 64,
        "a\n",
        "a\nRUN x",
        "$(id)",
        "`id`",
        "{{ a }}",
        "a'b",
        'a"b',
        "\u00e4",
        "\u0661",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    assert_refused("name", name=name)


@pytest.mark.parametrize(
    "name", ["libgl1", "libstdc++6", "g++", "ffmpeg=7:5.1.6-0+deb12u1", "py3.x"]
)
def test_names_of_system_packages_are_accepted(name: str) -> None:
    assert spec(system_packages=[name]).system_packages == [name]


@pytest.mark.parametrize(
    "name", ["", "-y", "Lib", "a b", "a;b", "a=", "$(id)", "a\n", "a=-1", "a/b"]
)
def test_other_system_packages_are_refused(name: str) -> None:
    assert_refused("system_packages[0]", system_packages=[name])


def test_a_build_secret_with_a_value_in_the_spec_is_refused() -> None:
    step = {"run": "fetch", "secrets": ["OTHER", "TOKEN"]}
    environment = [{"name": "TOKEN", "value": "x"}]
    assert_refused("build_steps[0].secrets[1]", build_steps=[step], environment=environment)
    # The handler may need the same one.
    assert spec(build_steps=[step], secrets=["TOKEN"]).build_secrets == ["OTHER", "TOKEN"]


@pytest.mark.parametrize("name", ["register", "heartbeat", "watch", "pick"])
def test_names_reserved_as_ids_need_a_separate_id(name: str) -> None:
    assert_refused("name", name=name)
    assert spec(name=name, agent_id="other").agent_id == "other"


@pytest.mark.parametrize("agent_id", ["A.b_c:d-1", "x" * 255, "..."])
def test_ids_valid_for_the_registry_are_accepted(agent_id: str) -> None:
    assert spec(agent_id=agent_id).agent_id == agent_id


@pytest.mark.parametrize("agent_id", ["a/b", "a b", "x" * 256, ".", "..", "pick", "a\n", "\u00e4"])
def test_other_ids_are_refused(agent_id: str) -> None:
    assert_refused("agent_id", agent_id=agent_id)


@pytest.mark.parametrize("description", ["", "Two\nlines\tand $(more) {{ of }} `it`", "\U0001f600"])
def test_a_description_may_be_any_text(description: str) -> None:
    assert spec(description=description).description == description


@pytest.mark.parametrize(
    "description", ["\0", "\x1b[31m", "\x85", "\ud800", "x" * (LONGEST_DESCRIPTION + 1)]
)
def test_an_invalid_description_is_refused(description: str) -> None:
    assert_refused("description", description=description)


@pytest.mark.parametrize("port", [1024, 8000, 65535])
def test_unprivileged_ports_are_accepted(port: int) -> None:
    assert spec(port=port).port == port


@pytest.mark.parametrize("port", [-1, 0, 80, 1023, 65536, True, 8000.0, "8000"])
def test_other_ports_are_refused(port: Any) -> None:
    assert_refused("port", port=port)


@pytest.mark.parametrize(("ttl", "interval"), [(1, 0.5), (1, 0.1), (60, 30), (86_400, 43_200.0)])
def test_an_interval_may_be_up_to_half_of_the_ttl(ttl: int, interval: float) -> None:
    assert lease(ttl_seconds=ttl, heartbeat_interval=interval).heartbeat_interval == interval


@pytest.mark.parametrize(
    "interval", [-1, 0, 0.09, 30.01, float("nan"), float("inf"), -float("inf"), True]
)
def test_other_intervals_are_refused(interval: float) -> None:
    assert_refused("registry.heartbeat_interval", registry={"heartbeat_interval": interval})


@pytest.mark.parametrize("ttl", [-1, 0, 86_401, True, 2.5, "60"])
def test_other_ttls_are_refused(ttl: Any) -> None:
    assert_refused("registry.ttl_seconds", registry={"ttl_seconds": ttl})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://registry", "http://registry"),
        ("https://registry.example:9000/", "https://registry.example:9000"),
        ("http://[::1]:9000/below/", "http://[::1]:9000/below"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        (None, None),
    ],
)
def test_valid_registry_urls_are_accepted(url: str | None, expected: str | None) -> None:
    assert spec(registry_url=url).registry_url == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry",
        "registry:9000",
        "ftp://registry",
        "//registry",
        "http://",
        "http:///a",
        "http://:9000",
        "http://registry:0",
        "http://registry:65536",
        "http://registry:port",
        "http://user@registry",
        "http://user:pass@registry",
        "http://@registry",
        "http://registry?a",
        "http://registry/#a",
        "http://registry/?",
        "http://[::1",
        "http://a b",
        "http://a\nRUN x",
        "http://$(id)",
        "http://`id`",
        'http://"',
        "http://a|b",
        "http://\u00e4",
        "http://" + "a" * 2000,
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    assert_refused("registry.url", registry_url=url)


def test_the_message_about_a_url_does_not_contain_its_password() -> None:
    with pytest.raises(SpecError) as refused:
        spec(registry_url="http://user:hunter2@registry")
    assert "hunter2" not in str(refused.value)


FIELDS = ("name", "agent_id", "description", "registry_url")


@given(st.fixed_dictionaries({}, optional={field: st.text() for field in FIELDS}))
def test_any_text_is_accepted_unchanged_or_refused_by_field(fields: dict[str, str]) -> None:
    try:
        found = spec(**fields)
    except SpecError as error:
        refused = {each.field.replace("registry.url", "registry_url") for each in error.problems}
        assert refused <= fields.keys()
    else:
        assert found.description == fields.get("description", "")


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SpecError) as refused:
        spec(name="A", port=80, inputs=[{"name": "a", "type": "text"}])
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["name", "port", "inputs[0].type"]


def test_sample_inputs_have_the_required_fields() -> None:
    assert spec().sample_inputs() == {"input": "hello"}
    inputs = [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "string", "required": False},
        {"name": "c", "type": "boolean"},
    ]
    assert spec(inputs=inputs).sample_inputs() == {"a": 1, "c": True}
