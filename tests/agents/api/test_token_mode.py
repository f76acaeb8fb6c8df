"""Who may do what in token mode, and what open mode still allows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from agents.models import AccessToken, AgentEvent, AgentRecord
from agents.tokens import access as access_tokens
from tests.agents.conftest import both_paths
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

VALID = {"agent_id": "weather-1", "host": "10.0.0.7", "port": 8000}
MISSING_TOKEN = "Send a good access token in the header: Authorization: Bearer TOKEN."
Caller = Callable[..., APIClient]


@pytest.fixture
def token_mode(settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"


@pytest.fixture
def caller(api: APIClient) -> Caller:
    """Give the client a token with these terms for all later calls."""

    def caller(**terms: Any) -> APIClient:
        _, text = access_tokens.issue(**({"name": "t", "actor": "command"} | terms))
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return api

    return caller


def lease(registration: Any) -> dict[str, str]:
    return {"Lease-Token": registration.json()["lease_token"]}


def assert_problem(answer: Any, status: int, detail: str, challenge: str | None = None) -> None:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["detail"]) == (status, detail)
    assert answer.headers.get("WWW-Authenticate") == challenge


@pytest.mark.usefixtures("token_mode")
class TestRegistering:
    def test_registering_without_a_token_is_401(self, api: APIClient) -> None:
        assert_problem(api.post("/agents/register", VALID), 401, MISSING_TOKEN, "Bearer")
        assert not AgentRecord.objects.exists()
        assert not AgentEvent.objects.exists()

    def test_an_agent_registers_with_a_token_and_the_history_names_it(self, caller: Caller) -> None:
        answer = caller().post("/agents/register", VALID)

        assert answer.status_code == 201
        key = AccessToken.objects.get().key
        assert AgentRecord.objects.get().enrolled_by == key
        assert AgentEvent.objects.get(kind="registered").actor == f"token:{key}"

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
    def test_the_scheme_is_case_insensitive(self, api: APIClient, scheme: str) -> None:
        _, text = access_tokens.issue(name="t", actor="command")
        api.credentials(HTTP_AUTHORIZATION=f"{scheme} {text}")

        assert api.post("/agents/register", VALID).status_code == 201

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer \xff",
            "Bearer a b",
            "Basic YTpi",
            "Token x",
            f"Bearer art_{'0' * 12}_{'x' * 43}",
        ],
    )
    def test_a_wrong_token_gets_the_same_answer_as_a_missing_one(
        self, api: APIClient, header: str
    ) -> None:
        api.credentials(HTTP_AUTHORIZATION=header)

        assert_problem(api.post("/agents/register", VALID), 401, MISSING_TOKEN, "Bearer")

    @pytest.mark.parametrize(
        ("column", "word"), [("expires_at", "expired"), ("revoked_at", "revoked")]
    )
    def test_an_expired_or_revoked_token_is_refused_and_logged_once(
        self, caller: Caller, column: str, word: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        api = caller()
        before = timezone.now() - timedelta(seconds=1)
        AccessToken.objects.update(**{column: before})

        assert_problem(api.post("/agents/register", VALID), 401, MISSING_TOKEN, "Bearer")
        api.post("/agents/register", VALID)

        [line] = caplog.messages  # one line for both attempts
        token = AccessToken.objects.get()
        assert f"token {token.key} is {word}" in line
        assert "127.0.0.1" in line

    def test_an_id_outside_the_tokens_prefix_is_refused(self, caller: Caller) -> None:
        api = caller(agent_prefix="weather-")

        assert api.post("/agents/register", VALID).status_code == 201
        assert_problem(
            api.post("/agents/register", VALID | {"agent_id": "weather"}),
            403,
            "This token may register ids that begin with 'weather-'.",
        )
        assert AgentRecord.objects.get().pk == "weather-1"

    def test_a_read_only_token_cannot_register(self, caller: Caller) -> None:
        api = caller(may_register=False, may_read=True)

        detail = "This token may not register agents."
        assert_problem(api.post("/agents/register", VALID), 403, detail)

    def test_input_is_validated_only_for_callers_who_may_register(
        self, api: APIClient, caller: Caller
    ) -> None:
        assert api.post("/agents/register", {}).status_code == 401
        assert caller().post("/agents/register", {}).status_code == 422


@pytest.mark.usefixtures("token_mode")
class TestLeases:
    """Calls on a lease need its lease token; an access token is neither needed nor enough."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [("post", "/agents/weather-1/heartbeat"), ("delete", "/agents/weather-1")],
    )
    def test_heartbeat_and_deregister_need_the_lease_token(
        self, caller: Caller, method: str, path: str
    ) -> None:
        api = caller()
        registration = api.post("/agents/register", VALID)

        detail = "Send the token of the agent's lease in the header Lease-Token."
        assert_problem(getattr(api, method)(path), 401, detail, "Lease-Token")
        api.credentials()
        assert_problem(getattr(api, method)(path), 401, detail, "Lease-Token")
        wrong = getattr(api, method)(path, headers={"Lease-Token": "1.x"})
        refused = "The lease token was not issued by this registry for this agent."
        assert_problem(wrong, 403, refused)
        assert getattr(api, method)(path, headers=lease(registration)).status_code == 200

    def test_the_token_of_another_agents_lease_is_refused(self, caller: Caller) -> None:
        api = caller()
        api.post("/agents/register", VALID)
        other = api.post("/agents/register", VALID | {"agent_id": "weather-2"})

        assert api.delete("/agents/weather-1", headers=lease(other)).status_code == 403
        assert AgentRecord.objects.count() == 2

    @both_paths
    def test_a_caller_without_a_token_cannot_find_out_which_ids_exist(self, api: APIClient) -> None:
        assert api.delete("/agents/nobody").status_code == 401
        assert api.post("/agents/nobody/heartbeat").status_code == 401

    def test_a_lease_stays_valid_after_its_access_token_is_revoked(self, caller: Caller) -> None:
        api = caller()
        registration = api.post("/agents/register", VALID)
        AccessToken.objects.update(revoked_at=timezone.now())

        answer = api.post("/agents/weather-1/heartbeat", headers=lease(registration))

        assert answer.status_code == 200


@pytest.mark.usefixtures("token_mode")
class TestReading:
    PATHS = ("/agents", "/agents/weather-1")

    @pytest.fixture(autouse=True)
    def _agent(self) -> None:
        AgentFactory.create(agent_id="weather-1")

    @pytest.mark.parametrize("path", PATHS)
    def test_reading_needs_a_token_that_may_read(self, caller: Caller, path: str) -> None:
        assert_problem(APIClient().get(path), 401, MISSING_TOKEN, "Bearer")
        assert_problem(caller().get(path), 403, "This token may not read about agents.")
        assert caller(may_read=True).get(path).status_code == 200
        assert caller(may_read=True, may_register=False).get(path).status_code == 200

    @pytest.mark.parametrize("path", PATHS)
    def test_public_reading_needs_no_token(
        self, api: APIClient, caller: Caller, settings: Any, path: str
    ) -> None:
        settings.REGISTRY_PUBLIC_READ = True

        assert api.get(path).status_code == 200
        assert caller().get(path).status_code == 200
        assert api.post("/agents/register", VALID).status_code == 409  # the token is still checked
        api.credentials()
        assert api.post("/agents/register", VALID).status_code == 401

    @pytest.mark.parametrize(
        "path", ["/health", "/health/live", "/health/ready", "/schema", "/docs"]
    )
    def test_health_and_documentation_need_no_token(self, api: APIClient, path: str) -> None:
        api.credentials(HTTP_AUTHORIZATION="Bearer wrong")

        assert api.get(path).status_code == 200

    def test_a_browser_gets_a_link_to_the_login(self, client: Client) -> None:
        answer = client.get("/agents", headers={"Accept": "text/html"})

        assert answer.status_code == 401
        assert "/admin/login/?next=/agents" in answer.content.decode()


@pytest.mark.usefixtures("token_mode")
class TestStaff:
    """Staff use the API by their session in the admin and Django's permissions."""

    @pytest.fixture(autouse=True)
    def _agent(self) -> None:
        AgentFactory.create(agent_id="weather-1")

    CALLS = (
        ("get", "/agents", "view_agentrecord"),
        ("get", "/agents/weather-1", "view_agentrecord"),
        ("post", "/agents/register", "add_agentrecord"),
        ("post", "/agents/weather-1/heartbeat", "change_agentrecord"),
        ("delete", "/agents/weather-1", "delete_agentrecord"),
    )

    @pytest.mark.parametrize(("method", "path", "permission"), CALLS)
    def test_each_call_needs_its_permission(
        self, staff: Callable[..., Client], method: str, path: str, permission: str
    ) -> None:
        others = {permission for _, _, permission in self.CALLS} - {permission}
        client = staff(*others)
        data: dict[str, Any] = {"content_type": "application/json"} if method == "post" else {}
        if path.endswith("register"):
            data["data"] = VALID

        assert_problem(getattr(client, method)(path, **data), 403, "Your login may not do that.")
        client.logout()
        client = staff_with(client, permission)
        assert getattr(client, method)(path, **data).status_code == 200

    def test_the_history_names_the_member_of_staff(self, admin_client: Client) -> None:
        admin_client.post("/agents/register", VALID, content_type="application/json")
        admin_client.delete("/agents/weather-1")

        events = AgentEvent.objects.order_by("pk").values_list("kind", "actor")
        assert list(events) == [("re-registered", "admin:admin"), ("deregistered", "admin:admin")]

    def test_a_superuser_who_is_not_staff_is_refused(
        self, client: Client, django_user_model: Any
    ) -> None:
        client.force_login(django_user_model.objects.create_user("user", is_superuser=True))

        assert client.get("/agents").status_code == 403

    def test_a_call_without_a_csrf_token_is_refused(self, admin_user: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(admin_user)

        assert client.delete("/agents/weather-1").status_code == 403
        assert AgentRecord.objects.exists()


def staff_with(client: Client, permission: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    client.force_login(user)
    return client


class TestOpenMode:
    @both_paths
    def test_open_mode_needs_no_token(self, api: APIClient) -> None:
        assert api.post("/agents/register", VALID).status_code == 201
        assert api.post("/agents/weather-1/heartbeat").status_code == 200
        assert api.get("/agents").status_code == 200
        assert api.delete("/agents/weather-1").status_code == 200

    def test_a_token_that_is_sent_is_checked_even_in_open_mode(
        self, api: APIClient, caller: Caller
    ) -> None:
        api.credentials(HTTP_AUTHORIZATION="Bearer wrong")
        assert_problem(api.post("/agents/register", VALID), 401, MISSING_TOKEN, "Bearer")
        assert api.get("/agents").status_code == 401

        assert caller(agent_prefix="other-").post("/agents/register", VALID).status_code == 403
        assert caller(may_register=False, may_read=True).get("/agents").status_code == 200
        assert caller(agent_prefix="weather-").post("/agents/register", VALID).status_code == 201

    def test_in_open_mode_any_token_may_read(self, caller: Caller) -> None:
        assert caller().get("/agents").status_code == 200

    @pytest.mark.parametrize("value", ["", "Open", "none", "tokens"])
    def test_any_value_other_than_open_requires_tokens(
        self, api: APIClient, settings: Any, value: str
    ) -> None:
        settings.REGISTRY_AUTH = value

        assert api.post("/agents/register", VALID).status_code == 401


class TestDocument:
    def test_the_document_states_which_token_each_call_needs(
        self, client: Client, settings: Any
    ) -> None:
        settings.REGISTRY_AUTH = "token"
        document = yaml.safe_load(client.get("/schema").content)

        schemes = document["components"]["securitySchemes"]
        assert schemes["accessToken"]["scheme"] == "bearer"
        assert (schemes["leaseToken"]["in"], schemes["leaseToken"]["name"]) == (
            "header",
            "Lease-Token",
        )
        paths = document["paths"]
        for call, scheme in (
            (paths["/agents"]["get"], "accessToken"),
            (paths["/agents/{agent_id}"]["get"], "accessToken"),
            (paths["/agents/register"]["post"], "accessToken"),
            (paths["/agents/{agent_id}/heartbeat"]["post"], "leaseToken"),
            (paths["/agents/{agent_id}"]["delete"], "leaseToken"),
        ):
            assert call["security"] == [{scheme: []}, {"cookieAuth": []}]
            assert {"401", "403"} <= call["responses"].keys()
        assert "409" in paths["/agents/register"]["post"]["responses"]
        assert paths["/health"]["get"].get("security", [{}]) == [{}]

    @pytest.mark.parametrize(
        ("changes", "free"),
        [
            ({"REGISTRY_AUTH": "open"}, {"list_agents", "register_agent", "heartbeat"}),
            ({"REGISTRY_AUTH": "token", "REGISTRY_PUBLIC_READ": True}, {"list_agents"}),
            ({"REGISTRY_AUTH": "token"}, set()),
        ],
    )
    def test_the_document_states_which_calls_need_no_token(
        self, client: Client, settings: Any, changes: dict[str, Any], free: set[str]
    ) -> None:
        for name, value in changes.items():
            setattr(settings, name, value)
        document = yaml.safe_load(client.get("/schema").content)

        calls = [call for methods in document["paths"].values() for call in methods.values()]
        without_token = {call["operationId"] for call in calls if {} in call.get("security", [])}
        assert without_token & {"list_agents", "register_agent", "heartbeat"} == free


def test_the_document_passes_spectaculars_validation(settings: Any, tmp_path: Any) -> None:
    settings.REGISTRY_AUTH = "token"

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "s"))
