"""Every page of the admin gets requests that no form would send."""

import pytest
from django.contrib import admin

from agents.admin.agents.model_admin import AgentAdmin
from agents.admin.widgets.cells import agent_url
from tests.fuzz.admin_pages import AdminPages
from tests.fuzz.fuzzing import PieceFuzzer, Turn

SEED = 20_261
pytestmark = pytest.mark.django_db(transaction=True)


def test_no_input_causes_a_server_error_in_the_admin() -> None:
    fuzzer = PieceFuzzer(AdminPages(), SEED)

    fuzzer.take(Turn(inputs=250))

    assert fuzzer.failures == []


def test_every_model_of_the_admin_is_fuzzed() -> None:
    pages = AdminPages()

    assert pages.check_health() is None  # creates a record of each model
    for model in admin.site._registry:
        start = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert {start, f"{start}{{}}/change/"} <= set(pages.paths)
        assert model._default_manager.exists()


def test_a_failing_page_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(AgentAdmin, "_operations", fail)

    problem = AdminPages().check([b"GET", agent_url("agent-1").encode()])

    assert problem is not None
    assert "RuntimeError: planted" in problem
