"""Ranges of versions, and the agents in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from rest_framework.test import APIClient

from agents.discovery.version_ranges import VersionRange
from tests.agents.discovery.listing import listed, refused
from tests.factories import AgentFactory

# In ascending order, as https://semver.org/#spec-item-11 has it; PEP 440 allows only some of them.
SEMANTIC = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"]
SEMANTIC += ["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]
NOT_PEP440 = ["1.0.0-a.b", "1.0.0-a.b.1", "1.0.0-a.b.2", "1.0.0-a.b.10", "1.0.0-x.y", "1.1.0-a.b"]


@pytest.mark.parametrize(
    ("text", "within", "outside"),
    [
        (">=1.2,<2", ["1.2", "1.2.0", "1.10", "1.9.9", "1.2+local"], ["1.1", "2", "2.0", "10"]),
        (">=1.2,<2", [], ["1.3rc1", "1.3.dev1", "2.0rc1", "2.0-alpha.1", "1.3.0-a.b", "2.0.0-a.b"]),
        (">=1.3rc1", ["1.3rc1", "1.3rc2", "1.3", "2.0a1"], ["1.3b9", "1.2"]),
        ("~=1.4.2", ["1.4.2", "1.4.9"], ["1.5", "1.4.1"]),
        ("==1.2.*", ["1.2", "1.2.7"], ["1.3", "1.20"]),
        ("!=1.2", ["1.3", "1"], ["1.2", "1.2.0"]),
        ("==1.2", ["1.2", "1.2.0", "v1.2"], ["1.2.1"]),
        (">1.0.0-a.b", ["1.0.0-a.b.1", "1.0.0-x.y", "1.0.0"], ["1.0.0-a.b", "0.9.0"]),
        (">=1.0.0-a.b.2", ["1.0.0-a.b.2", "1.0.0-a.b.10"], ["1.0.0-a.b.1", "1.0.0-a.b"]),
        (">=1.0.0-a.b,<1.1", ["1.0.0-x.y", "1.0.1"], ["1.1.0-a.b"]),
        ("==1.0.0-a.b", ["1.0.0-a.b", "1.0.0-a.b+build"], ["1.0.0"]),
        (">=0", ["0", "1!0"], ["", "latest", "main", "1.x", "2026-03-01-rc"]),
    ],
)
def test_a_range_has_the_versions_that_pep_440_or_semver_put_there(
    text: str, within: list[str], outside: list[str]
) -> None:
    versions = VersionRange(text)

    assert [version for version in within if not versions.contains(version)] == []
    assert [version for version in outside if versions.contains(version)] == []


@pytest.mark.parametrize("order", [SEMANTIC, NOT_PEP440])
def test_pre_releases_are_ordered_as_semantic_versioning_orders_them(order: list[str]) -> None:
    comparable = [version for version in order if version != "1.0.0-alpha.beta"]
    for place, bound in enumerate(comparable):
        after = VersionRange(f">{bound}")
        if "-" in bound:
            assert [one for one in comparable if after.contains(one)] == comparable[place + 1 :]


NUMBERS = st.integers(0, 3)
PEP440 = st.builds(
    lambda release, suffix: ".".join(map(str, release)) + suffix,
    st.lists(NUMBERS, min_size=1, max_size=3),
    st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev2", "+x"]),
)
BOUNDS = st.builds(
    lambda operator, version: f"{operator}{version}",
    st.sampled_from([">=", "<=", "<", ">", "==", "!="]),
    PEP440.filter(lambda version: "+" not in version),
)


@given(st.lists(BOUNDS, min_size=1, max_size=3), PEP440)
def test_ranges_of_pep_440_are_those_of_packaging(bounds: list[str], version: str) -> None:
    text = ",".join(bounds)
    names_prerelease = any(
        Version(bound.strip("<>=!")).is_prerelease for bound in bounds if bound[:2] != "!="
    )

    expected = SpecifierSet(text).contains(version, prereleases=names_prerelease)

    assert VersionRange(text).contains(version) == expected


@given(st.text(max_size=20), st.sampled_from([">=", "<", "==", "~=", "!=", "===", ""]))
def test_any_text_is_a_range_or_a_value_error(text: str, operator: str) -> None:
    try:
        versions = VersionRange(operator + text)
    except ValueError:
        return
    versions.contains(text)


@pytest.mark.django_db
def test_agents_are_found_by_a_range_or_an_exact_version(api: APIClient) -> None:
    for version in ("1.9", "1.10", "1.10.1", "2.0", "2.0rc1", "latest", ""):
        AgentFactory.create(agent_id=f"v{version}", version=version)
    AgentFactory.create(agent_id="dead", version="1.10", expired=True)

    assert listed(api, version=">=1.10,<2") == ["v1.10", "v1.10.1"]
    assert listed(api, version=" >= 1.10 , < 2 ") == ["v1.10", "v1.10.1"]
    assert listed(api, version="1.10") == ["v1.10"]
    assert listed(api, version=["latest", ">=2"]) == ["v2.0", "vlatest"]
    assert listed(api, version=">=3") == []
    assert listed(api, version=">=1.10,<2", include_dead=1) == ["dead", "v1.10", "v1.10.1"]


@pytest.mark.django_db
def test_too_many_versions_for_a_range_are_refused(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.discovery.filters.MAX_VERSIONS", 2)
    for number in range(3):
        AgentFactory.create(agent_id=f"a{number}", version=str(number), tags=[str(number % 2)])

    assert "more than 2 versions" in refused(api, version=">=0")["version"][0]
    assert listed(api, version=">=0", tag="0") == ["a0", "a2"]
