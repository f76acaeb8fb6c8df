from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from agents import rate_limits
from agents.rate_limits import WindowCounter
from agents.registrations import admission
from agents.tokens import cache as token_cache
from agents.tokens import right_tokens
from tests.agents.fast_path.client import FastPathClient
from tests.agents.racing import Together, racing

Register = Callable[..., Any]
DJANGO, FAST = "django", "fast"
both_paths = pytest.mark.parametrize("api", [DJANGO, FAST], indirect=True)


@pytest.fixture(autouse=True)
def _clear_token_cache() -> None:
    """Empty the process's cache of tokens before each test."""
    token_cache.forget()


@pytest.fixture
def fresh_counts(settings: Settings) -> Iterator[None]:
    """Empty the counts of rate limits, which this process keeps."""
    settings.RATE_STORE_URL = "memory://"
    rate_limits._counter.cache_clear()
    right_tokens.forget()
    admission._registrations = WindowCounter()
    yield
    rate_limits._counter.cache_clear()


@pytest.fixture
def api(request: pytest.FixtureRequest) -> APIClient:
    """A client of the API. With `both_paths`, a second run sends heartbeats by the fast path."""
    return FastPathClient() if getattr(request, "param", DJANGO) == FAST else APIClient()


@pytest.fixture
def register(api: APIClient) -> Register:
    """Register an agent through the API; return the response's JSON."""

    def register(agent_id: str = "weather-1", **more: Any) -> Any:
        registration = {"agent_id": agent_id, "host": "10.0.0.7", "port": 8000} | more
        answer = api.post("/agents/register", registration)
        assert answer.status_code in {200, 201}, answer.json()
        return answer.json()

    return register


@pytest.fixture
def staff(client: Client) -> Callable[..., Client]:
    """Log in a member of staff with exactly these permissions."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create_user("grace", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def together() -> Iterator[Together]:
    with racing() as together:
        yield together
