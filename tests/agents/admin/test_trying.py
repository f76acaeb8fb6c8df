"""Trying an agent from its page: the registry calls it, and shows what comes back."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from agents.models import AgentEvent, AgentRecord
from agents.outbound.networks import parse_networks
from agents.trials import call
from registry_project.security import kept_forms
from tests.factories import AgentFactory
from tests.serving import serving

pytestmark = pytest.mark.django_db

Staff = Callable[..., Client]
TRY = "/admin/agents/agentrecord/a/try/"
PAGE = "/admin/agents/agentrecord/a/change/"
SCHEMA = {
    "inputs": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "integer", "default": 3},
            "units": {"type": "object"},
            "short": {"type": "boolean"},
        },
        "required": ["city"],
    }
}
ENTERED = {
    "schema": json.dumps(SCHEMA),
    "input-0": "Graz",
    "input-1": "",
    "input-2": '{"temperature": "C"}',
    "input-3": "true",
}
BODY = {"schema": "{}", "body": '{"x": 1}'}


class Agent(ThreadingHTTPServer):
    """Answers what the test says, by path, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, str, bytes]] = {
            "/schema": (200, "application/json", json.dumps(SCHEMA).encode())
        }
        self.received: list[tuple[str, str, str | None, bytes]] = []

    def answer(self, status: int = 200, body: bytes = b"", kind: str = "application/json") -> None:
        self.answers["/run"] = (status, kind, body)


class Handler(BaseHTTPRequestHandler):
    server: Agent

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization")
        self.server.received.append((self.command, self.path, token, body))
        status, kind, answer = self.server.answers.get(self.path, (404, "text/plain", b"none"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def agent(settings: Any) -> Iterator[Agent]:
    settings.TRY_NETWORKS = parse_networks("127.0.0.1")
    with serving(Agent()) as server:
        AgentFactory.create(agent_id="a", host="127.0.0.1", port=server.server_port, generation=7)
        yield server


def tried() -> list[tuple[str, str, int | None, str]]:
    events = AgentEvent.objects.filter(kind="tried").order_by("pk")
    return list(events.values_list("agent_id", "actor", "generation", "reason"))


class TestForm:
    def test_it_follows_the_agents_schema(self, admin_client: Client, agent: Agent) -> None:
        form = admin_client.get(TRY).context["form"]

        labels = {name: field.label for name, field in form.fields.items()}
        assert list(labels.values())[:4] == ["city", "days", "units", "short"]
        assert form.fields["input-0"].help_text == "Where; string; required"
        assert form.fields["input-1"].help_text == "integer; default 3; left out if empty"
        assert [path for _, path, _, _ in agent.received] == ["/schema"]
        assert tried() == []

    @pytest.mark.parametrize(
        "schema",
        [
            b"{}",
            b"not JSON",
            b"[" * 50_000,
            b'{"inputs": {"properties": {}}}',
            b'{"inputs": {"properties": {"a\\u0000": {}}}}',
            b'{"inputs": {"properties": ["x"]}}',
            json.dumps({"inputs": {"properties": {f"n{i}": {} for i in range(65)}}}).encode(),
        ],
    )
    def test_of_a_schema_that_says_nothing_any_object_can_be_sent(
        self, admin_client: Client, agent: Agent, schema: bytes
    ) -> None:
        agent.answers["/schema"] = (200, "application/json", schema)

        assert "body" in admin_client.get(TRY).context["form"].fields

    def test_hostile_schemas_are_escaped(self, admin_client: Client, agent: Agent) -> None:
        evil = "<script>alert(1)</script>"
        node = {"type": evil, "description": evil, "default": evil}
        schema = {"inputs": {"properties": {evil: node, "token": 5}, "required": "x"}}
        agent.answers["/schema"] = (200, "text/html", json.dumps(schema).encode())

        text = admin_client.get(TRY).text
        assert "alert(1)" in text
        assert "<script>alert" not in text

    def test_an_agent_without_a_schema_can_still_be_run(
        self, admin_client: Client, agent: Agent
    ) -> None:
        del agent.answers["/schema"]

        answer = admin_client.get(TRY)
        assert "could not be read" in answer.text
        assert "body" in answer.context["form"].fields


class TestRunning:
    def test_the_answer_is_shown_and_the_history_has_who_tried(
        self, admin_client: Client, agent: Agent
    ) -> None:
        agent.answer(body='{"weather":"sönnig"}'.encode())

        answer = admin_client.post(TRY, ENTERED)

        [(method, path, token, body)] = agent.received
        assert (method, path, token) == ("POST", "/run", None)
        assert json.loads(body) == {"city": "Graz", "units": {"temperature": "C"}, "short": True}
        assert answer.context["answer"].text == '{\n  "weather": "sönnig"\n}'
        assert answer.context["answer"].word == "200 OK"
        assert answer.context["form"]["input-0"].value() == "Graz"
        [(agent_id, actor, generation, reason)] = tried()
        assert (agent_id, actor, generation) == ("a", "admin:admin", 7)
        assert reason.startswith("POST /run: 200 OK in ")

    @pytest.mark.parametrize(
        ("sent", "word", "text"),
        [
            ((422, b'{"detail":"no"}'), "422 Unprocessable", '"detail": "no"'),
            ((500, b"oh <b>no</b>", "text/plain"), "500 Internal", "oh <b>no</b>"),
            ((302, b"there", "text/html"), "302 Found", "there"),
            ((200, b"\xe4", "text/plain; charset=latin-1"), "200 OK", "ä"),
            ((200, b"\x89PNG\xff\0", "image/png"), "200 OK", ""),
            ((200, b"", ""), "200 OK", ""),
            ((299, b"x", "text/plain"), "299", "x"),
        ],
    )
    def test_answers_are_shown_as_they_came(
        self, admin_client: Client, agent: Agent, sent: Any, word: str, text: str
    ) -> None:
        agent.answer(*sent)

        answer = admin_client.post(TRY, BODY)

        shown = answer.context["answer"]
        assert shown.word.startswith(word)
        assert text in shown.text
        assert bool(shown.text) is bool(text)
        assert "<b>no" not in answer.text
        assert len(agent.received) == 1
        assert tried()[0][3].startswith(f"POST /run: {word}")

    def test_long_answers_are_cut(self, admin_client: Client, agent: Agent) -> None:
        agent.answer(body=b"\xc3\xa4" * 100_000, kind="text/plain")

        shown = admin_client.post(TRY, BODY).context["answer"]

        assert len(shown.text) <= call.BODY_BYTES
        assert "only the first 64 KiB were read" in shown.detail

    def test_the_token_is_sent_and_kept_nowhere(self, admin_client: Client, agent: Agent) -> None:
        agent.answer(body=b"{}")

        answer = admin_client.post(TRY, BODY | {"token": "s3cret-of-the-agent"})

        assert agent.received[0][2] == "Bearer s3cret-of-the-agent"
        assert "s3cret" not in answer.text
        assert "no-store" in answer["Cache-Control"]
        assert "s3cret" not in str(list(AgentEvent.objects.values()))
        assert "s3cret" not in str(dict(admin_client.session))

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"input-2": "no JSON"}, "input-2"),
            ({"input-1": "three"}, "input-1"),
            ({"input-3": "maybe"}, "input-3"),
            ({"token": "two words"}, "token"),
            ({"token": "ü"}, "token"),
        ],
    )
    def test_what_cannot_be_sent_is_reported_at_its_field(
        self, admin_client: Client, agent: Agent, change: dict[str, str], field: str
    ) -> None:
        answer = admin_client.post(TRY, ENTERED | change)

        assert list(answer.context["form"].errors) == [field]
        assert agent.received == []
        assert tried() == []

    def test_a_run_that_goes_on_leads_to_its_result(
        self, admin_client: Client, agent: Agent
    ) -> None:
        agent.answer(202, b'{"job_id": "j-1", "status": "running", "status_url": "/status/j-1"}')
        running = admin_client.post(TRY, BODY)
        assert running.context["job"].initial == {"job": "j-1"}
        agent.answers["/status/j-1"] = (200, "application/json", b'{"status":"done","result":5}')

        done = admin_client.post(TRY, {"job": "j-1", "token": "t"})

        assert '"result": 5' in done.context["answer"].text
        assert agent.received[-1][:3] == ("GET", "/status/j-1", "Bearer t")
        refused = admin_client.post(TRY, {"job": "../health"})
        assert refused.context["job"].errors
        assert len(agent.received) == 2


class TestGuards:
    def test_other_networks_are_not_called(
        self, admin_client: Client, agent: Agent, settings: Any
    ) -> None:
        settings.TRY_NETWORKS = parse_networks("10.0.0.0/8")

        shown = admin_client.post(TRY, BODY).context["answer"]

        assert "127.0.0.1 is not in the allowed networks" in shown.detail
        assert agent.received == []
        assert "not in the allowed networks" in tried()[0][3]

    def test_the_registry_itself_is_not_called(
        self, admin_client: Client, agent: Agent, settings: Any
    ) -> None:
        settings.REGISTRY_URL = f"http://localhost:{agent.server_port}"

        assert "is the registry's own" in admin_client.post(TRY, BODY).context["answer"].detail
        assert agent.received == []

    def test_an_agent_that_hangs_costs_a_limited_time(
        self, admin_client: Client, settings: Any, agent: Agent
    ) -> None:
        settings.TRY_TIMEOUT_SECONDS = 0.2
        released = threading.Event()
        slow = Handler.do_GET

        def hang(handler: Handler) -> None:
            released.wait(60)
            slow(handler)

        agent.RequestHandlerClass = type("Hanging", (Handler,), {"do_POST": hang})
        try:
            shown = admin_client.post(TRY, BODY).context["answer"]
        finally:
            released.set()
        assert shown.detail == "no answer within 0.2 s"

    def test_few_tries_run_at_once(
        self, admin_client: Client, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call, "_free", threading.BoundedSemaphore(1))
        with call._free:
            assert admin_client.post(TRY, BODY).context["answer"].detail == call.BUSY
        agent.answer(body=b"{}")
        assert admin_client.post(TRY, BODY).context["answer"].word == "200 OK"


class TestPermissions:
    def test_it_is_off_by_default(self, admin_client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert admin_client.get(TRY).status_code == 404
        assert admin_client.post(TRY, BODY).status_code == 404
        assert TRY not in admin_client.get(PAGE).text

    def test_viewers_may_not(self, staff: Staff, agent: Agent) -> None:
        client = staff("view_agentrecord", "view_agentevent")

        assert client.get(TRY).status_code == 403
        assert client.post(TRY, BODY).status_code == 403
        assert TRY not in client.get(PAGE).text
        assert agent.received == []

    @pytest.mark.usefixtures("agent")
    def test_operators_may(self, staff: Staff) -> None:
        client = staff("view_agentrecord", "change_agentrecord")

        assert TRY in client.get(PAGE).text
        assert client.post(TRY, BODY).status_code == 200
        assert tried()[0][1] == "admin:grace"

    @pytest.mark.usefixtures("agent")
    def test_the_token_is_not_kept_for_after_a_sign_in(self, client: Client) -> None:
        kept = client.post(TRY, ENTERED | {"token": "s3cret-of-the-agent"}).context["kept"]

        form = kept_forms.read(kept)
        assert form is not None
        assert ("input-0", "Graz") in form.fields
        assert "s3cret-of-the-agent" not in str(form.fields)

    def test_an_agent_that_is_gone_is_not_called(self, admin_client: Client, agent: Agent) -> None:
        AgentRecord.objects.all().delete()

        assert admin_client.post(TRY, BODY).headers["Location"] == PAGE
        assert agent.received == []

    @pytest.mark.usefixtures("agent")
    def test_a_quarantined_agent_has_a_warning(self, admin_client: Client) -> None:
        AgentRecord.objects.update(state="quarantined")

        assert "This agent is quarantined" in admin_client.get(TRY).text
