"""Tests that need services run if services are required or their path is named."""

from pathlib import Path

import pytest

from tests import services
from tests.services import is_wanted, needs_services, without


@pytest.fixture(params=[False, True], ids=["", "REQUIRE_SERVICES=1"])
def required(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(services, "REQUIRED", request.param)
    return bool(request.param)


def test_a_missing_service_fails_if_services_are_required_and_skips_otherwise(
    required: bool,
) -> None:
    error = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(error, match="apt install chromium"):
        without("chromium")


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("tests", False),
        ("tests/browser", False),
        (__file__, True),
        (f"{__file__}::test_this", True),
        (str(Path(__file__).parent / "docker"), False),
    ],
    ids=["all", "another folder", "its file", "it", "yet another folder"],
)
def test_a_test_that_needs_services_runs_if_its_path_is_named(
    request: pytest.FixtureRequest, required: bool, argument: str, named: bool
) -> None:
    assert is_wanted(request.node, ["tests", argument]) is (named or required)


def test_a_test_without_service_fixtures_needs_none(request: pytest.FixtureRequest) -> None:
    assert not needs_services(request.node)


@pytest.mark.services
def test_a_marked_test_needs_services(request: pytest.FixtureRequest) -> None:
    assert needs_services(request.node)


def test_a_test_with_a_service_fixture_needs_services(request: pytest.FixtureRequest) -> None:
    request.node.fixturenames.append("postgres_programs")
    assert needs_services(request.node)
