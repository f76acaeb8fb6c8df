"""The search of the dashboard: what it finds, for whom, and at what cost."""

import html as html_module
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents import leases
from agents.admin.dashboard.search import results as search_results
from agents.admin.dashboard.search.results import MOST
from agents.models import AgentRecord
from agents.tokens import access
from tests.agents.passing_time import fleet

pytestmark = pytest.mark.django_db

SEARCH = "/admin/search/"
HOSTILE = "<script>alert(1)</script>\"'"
ALL = ("view_agentrecord", "view_agentevent", "view_accesstoken", "change_agentrecord")

Staff = Callable[..., Client]


def results(client: Client, text: str) -> dict[str, list[str]]:
    """Return the titles found, by group."""
    response = client.post(SEARCH, {"text": text}, headers={"X-Requested-With": "search"})
    assert response.status_code == 200
    found: dict[str, list[str]] = {}
    for section in response.content.decode().split("<section")[1:]:
        [name] = re.findall(r"<h3[^>]*>([^<]*)</h3>", section)
        titles = re.findall(r'<span class="search-title">(.*?)</span>', section)
        found[name] = [html_module.unescape(title) for title in titles]
    return found


def register(agent_id: str, host: str = "h", **more: Any) -> None:
    leases.register(agent_id=agent_id, host=host, port=1, **more)


class TestAgents:
    def test_agents_are_found_by_id_name_and_host(self, admin_client: Client) -> None:
        register("weather-7", "10.0.0.7", agent_name="The forecaster")
        register("stocks-1", "10.9.9.9")

        for text in ("weather-7", "WEATHER", "ther-7", "forecaster", "0.0.7"):
            assert results(admin_client, text)["Agents" if text != "0.0.7" else "Hosts"], text
        assert results(admin_client, "weather")["Agents"] == ["weather-7"]
        assert results(admin_client, "10.9")["Hosts"] == ["10.9.9.9"]

    def test_ids_that_begin_with_the_text_come_first(self, admin_client: Client) -> None:
        for agent_id in ("a-rain", "rain", "rain-2"):
            register(agent_id)

        assert results(admin_client, "rain")["Agents"] == ["rain", "rain-2", "a-rain"]

    def test_words_in_any_order_are_found(self, admin_client: Client) -> None:
        register("eu-translator-3", agent_name="German to French")

        assert results(admin_client, "french trans")["Agents"] == ["eu-translator-3"]

    def test_skills_and_tags_lead_to_their_agents(self, admin_client: Client) -> None:
        register("a", skills=["translate-text"], tags=["europe"])

        assert results(admin_client, "transl")["Skills"] == ["translate-text"]
        assert results(admin_client, "euro")["Tags"] == ["europe"]

    def test_agents_that_are_gone_are_found(self, admin_client: Client) -> None:
        register("mayfly-1")
        leases.deregister(agent_id="mayfly-1")

        found = results(admin_client, "mayfly")

        assert found["Gone agents"] == ["mayfly-1"]
        assert "Agents" not in found

    def test_a_group_is_bounded(self, admin_client: Client) -> None:
        fleet(50)

        assert len(results(admin_client, "agent")["Agents"]) == MOST

    def test_a_search_that_takes_too_long_says_so_and_finds_ids_and_words(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register("weather-7")
        fleet(10_000)
        monkeypatch.setattr(search_results, "MAX_SECONDS", 0)

        response = admin_client.post(SEARCH, {"text": "weather-7"})

        html = response.content.decode()
        assert "weather-7</span>" in html
        assert "there may be more" in html

    @pytest.mark.parametrize("text", ["", " ", "\0", "%", "'", "*", '"', "a" * 5000, "(", "-", "é"])
    def test_any_text_can_be_searched(self, admin_client: Client, text: str) -> None:
        register("a")
        results(admin_client, text)

    def test_what_agents_send_is_escaped(self, admin_client: Client) -> None:
        register("a", agent_name=HOSTILE, host="h", tags=[HOSTILE])

        response = admin_client.post(SEARCH, {"text": "script"})

        assert "<script>alert" not in response.content.decode()


class TestTokens:
    def test_a_pasted_token_finds_its_own_and_is_not_repeated(self, admin_client: Client) -> None:
        _, text = access.issue(name="ci pipeline", actor="command")
        access.issue(name="another", actor="command")

        response = admin_client.post(SEARCH, {"text": f" Bearer {text} "})

        html = response.content.decode()
        assert "ci pipeline" in html
        assert "this is its secret" in html
        assert "another" not in html
        assert text not in html
        assert text.rpartition("_")[2] not in html
        assert "no-store" in response["Cache-Control"]

    def test_a_wrong_secret_is_called_wrong(self, admin_client: Client) -> None:
        _, text = access.issue(name="ci pipeline", actor="command")
        wrong = text[:-1] + ("a" if text[-1] != "a" else "b")

        html = admin_client.post(SEARCH, {"text": wrong}).content.decode()

        assert "but this is not its secret" in html

    def test_a_token_is_in_no_query(self, admin_client: Client) -> None:
        _, text = access.issue(name="ci pipeline", actor="command")

        with CaptureQueriesContext(connection) as queries:
            results(admin_client, text)
            results(admin_client, text[:-1])  # a part of it, too

        secret = text.rpartition("_")[2][:-1]
        assert not [query["sql"] for query in queries if secret in query["sql"]]

    def test_a_token_in_a_url_is_not_searched(self, admin_client: Client) -> None:
        _, text = access.issue(name="ci pipeline", actor="command")

        assert "ci pipeline" not in admin_client.get(SEARCH, {"text": text}).content.decode()

    def test_looking_is_no_use(self, admin_client: Client) -> None:
        token, text = access.issue(name="ci pipeline", actor="command")

        results(admin_client, text)

        token.refresh_from_db()
        assert token.last_used_at is None

    def test_tokens_are_found_by_name_and_key(self, admin_client: Client) -> None:
        token, _ = access.issue(name="ci pipeline", actor="command")

        assert results(admin_client, "pipel")["Tokens"] == ["ci pipeline"]
        assert results(admin_client, token.key)["Tokens"] == ["ci pipeline"]


class TestActions:
    def test_an_operation_and_an_agent(self, admin_client: Client) -> None:
        register("weather-7")
        register("weather-8")
        leases.set_state(agent_id="weather-8", state="draining", actor="command")

        assert results(admin_client, "drain weather")["Operations"] == ["Drain weather-7…"]
        assert results(admin_client, "res weather")["Operations"] == ["Resume weather-8…"]
        assert results(admin_client, "drain")["Operations"] == ["Drain an agent"]

    def test_an_operation_leads_to_its_confirmation(self, admin_client: Client) -> None:
        register("weather-7")
        html = admin_client.post(SEARCH, {"text": "drain weather-7"}).content.decode()
        form = html[html.index("<section") :].partition("</form>")[0]
        [url] = re.findall(r'action="([^"]*)"', form)
        fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))

        response = admin_client.post(url, fields)

        assert "Drain 1 agent?" in response.content.decode()
        assert AgentRecord.objects.get().state == "active"

    def test_without_a_text_pages_and_operations_are_offered(self, admin_client: Client) -> None:
        found = results(admin_client, "")

        assert found["Pages"][:3] == ["Overview", "Access tokens", "Agents"]
        assert found["Operations"][:2] == ["Drain an agent", "Quarantine an agent"]

    def test_pages_are_found_by_the_beginnings_of_their_words(self, admin_client: Client) -> None:
        assert "History" in results(admin_client, "hist")["Pages"]
        assert "Overview" in results(admin_client, "over")["Pages"]
        assert "Add access token" in results(admin_client, "add tok")["Pages"]


class TestPermissions:
    def test_staff_find_what_they_may_see(self, staff: Staff) -> None:
        register("weather-7", tags=["weather"])
        register("weather-gone")
        leases.deregister(agent_id="weather-gone")
        _, text = access.issue(name="weather", actor="command")
        client = staff()

        assert set(results(client, "weather")) <= {"Pages"}
        assert results(client, text) == {}
        assert set(results(client, "drain weather")) <= {"Pages"}

    @pytest.mark.parametrize(
        ("permission", "group"),
        [
            ("view_agentrecord", "Agents"),
            ("view_agentevent", "Gone agents"),
            ("view_accesstoken", "Tokens"),
        ],
    )
    def test_each_permission_shows_its_group(
        self, staff: Staff, permission: str, group: str
    ) -> None:
        register("weather-7")
        register("weather-gone")
        leases.deregister(agent_id="weather-gone")
        access.issue(name="weather", actor="command")

        found = set(results(staff(permission), "weather"))

        assert group in found
        assert not found & ({"Agents", "Gone agents", "Tokens"} - {group})

    def test_viewers_are_offered_no_operations(self, staff: Staff) -> None:
        register("weather-7")

        assert "Operations" not in results(staff("view_agentrecord"), "drain weather-7")

    def test_visitors_are_sent_to_the_login(self, client: Client) -> None:
        by_script = {"X-Requested-With": "search"}
        assert client.post(SEARCH, {"text": "a"}, headers=by_script).status_code == 302


def test_the_page_works_without_scripts(admin_client: Client) -> None:
    register("weather-7")

    assert "Overview" in admin_client.get(SEARCH).content.decode()
    html = admin_client.post(SEARCH, {"text": "weather"}).content.decode()

    assert 'value="weather"' in html
    assert "weather-7/change/" in html.replace("_2D", "-")


def test_the_number_of_queries_is_bounded(admin_client: Client) -> None:
    fleet(300)

    with CaptureQueriesContext(connection) as queries:
        results(admin_client, "drain agent")

    own = [query for query in queries if "SET_CONFIG" not in query["sql"]]
    assert len([query for query in own if "SAVEPOINT" not in query["sql"]]) <= 14
