"""Which tests run where is decided by what they need and by what the command line names."""

from pathlib import Path

import pytest

from tests import services
from tests.services import is_wanted, needs_services, without


@pytest.fixture(params=[False, True], ids=["", "REQUIRE_SERVICES=1"])
def required(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(services, "REQUIRED", request.param)
    return bool(request.param)


def test_a_missing_service_fails_where_services_are_required(required: bool) -> None:
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
def test_what_needs_services_runs_where_it_is_named(
    request: pytest.FixtureRequest, required: bool, argument: str, named: bool
) -> None:
    assert is_wanted(request.node, ["tests", argument]) is (named or required)


def test_what_uses_no_service_needs_none(request: pytest.FixtureRequest) -> None:
    assert not needs_services(request.node)


@pytest.mark.services
def test_what_is_marked_needs_services(request: pytest.FixtureRequest) -> None:
    assert needs_services(request.node)


def test_what_uses_a_service_needs_services(request: pytest.FixtureRequest) -> None:
    request.node.fixturenames.append("postgres_programs")
    assert needs_services(request.node)
