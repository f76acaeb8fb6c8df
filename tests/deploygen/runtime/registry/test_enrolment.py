"""The enrolment token: where it is read from, where it is sent, and what happens without one."""

import asyncio
import itertools
import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from deploygen.client.registration.client import AgentRegistryClient
from deploygen.client.registration.errors import RegistryRefused
from deploygen.runtime.environment import read_secret
from deploygen.runtime.registry.registration import ENROLMENT_TOKEN
from tests.deploygen.client.living_client import beats, client_of, living
from tests.deploygen.fake_registry import FakeRegistry, Reply
from tests.deploygen.runtime.running_agent import ECHO, running_agent
from tests.processes import wait_in_loop, wait_until

TOKEN = "art_abcdefghijkl_0123456789012345678901234567890123456789012"


def joining(registry: FakeRegistry) -> dict[str, Any]:
    section = {"url": registry.url, "ttl_seconds": 60, "heartbeat_interval": 0.05}
    return {"extensions": [".registry"], "registry": section}


class TestClient:
    def test_the_token_is_sent_only_when_registering(self, registry: FakeRegistry) -> None:
        async def scenario() -> None:
            async with living(registry, enrolment_token=TOKEN):
                await beats(registry, 2)

        asyncio.run(scenario())
        sent = {kind: {call.authorization for call in registry.of(kind)} for kind in KINDS}
        assert sent == {"register": {f"Bearer {TOKEN}"}, "heartbeat": {None}, "delete": {None}}

    @pytest.mark.parametrize("token", [None, "", lambda: None])
    def test_without_a_token_no_authorization_is_sent(
        self, registry: FakeRegistry, token: Any
    ) -> None:
        async def scenario() -> None:
            async with living(registry, enrolment_token=token):
                await beats(registry, 1)

        asyncio.run(scenario())
        assert registry.of("register")[0].authorization is None

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize(
        ("token", "hint"),
        [
            (None, "set AGENT_ENROLMENT_TOKEN, or AGENT_ENROLMENT_TOKEN_FILE"),
            (TOKEN, "the token in AGENT_ENROLMENT_TOKEN, or its file, is not good for this agent"),
        ],
    )
    def test_a_refused_token_is_reported_with_a_hint_and_retried(
        self, registry: FakeRegistry, status: int, token: str | None, hint: str
    ) -> None:
        registry.script["register"] = [Reply(status, {"detail": "so it is"})] * 2

        async def scenario() -> None:
            async with living(registry, enrolment_token=token) as client:
                await wait_in_loop(lambda: client.problem, "the problem")
                assert client.problem == (
                    f"the registry refused the registration: {status}, so it is - {hint}"
                )
                await wait_in_loop(lambda: client.registered, "the registration")
                assert client.problem is None

        asyncio.run(scenario())

    def test_an_id_held_by_another_agent_is_reported_and_retried(
        self, registry: FakeRegistry
    ) -> None:
        registry.script["register"] = [Reply(409, {"detail": "another has it"})] * 2

        async def scenario() -> None:
            async with living(registry, enrolment_token=TOKEN) as client:
                await wait_in_loop(lambda: client.problem, "the problem")
                assert client.problem == (
                    "the registry refused the registration: 409, another has it"
                )
                await wait_in_loop(lambda: client.registered, "the registration")

        asyncio.run(scenario())

    @pytest.mark.parametrize("token", ["a\nb", "ä", "a\0"])
    def test_an_invalid_token_is_reported_but_neither_sent_nor_logged(
        self, registry: FakeRegistry, token: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scenario() -> str:
            client = client_of(registry, enrolment_token=token)
            with pytest.raises(RegistryRefused):
                await client.register()
            await client.deregister()
            return str(client.problem)

        problem = asyncio.run(scenario())

        assert problem == "not registered: the enrolment token is not one line of ASCII characters"
        assert registry.calls == []
        assert token not in caplog.text

    def test_a_callable_token_is_read_for_each_registration(self, registry: FakeRegistry) -> None:
        registry.always["register"] = Reply(401)
        tokens = itertools.count()

        async def scenario() -> None:
            async with living(registry, enrolment_token=lambda: f"token-{next(tokens)}"):
                await wait_in_loop(lambda: len(registry.of("register")) > 2, "three tries")

        asyncio.run(scenario())
        sent = [call.authorization for call in registry.of("register")]
        assert sent[:3] == ["Bearer token-0", "Bearer token-1", "Bearer token-2"]

    def test_registering_again_after_a_lost_lease_sends_the_token(
        self, registry: FakeRegistry
    ) -> None:
        registry.script["heartbeat"] = [Reply(), Reply(401)]

        async def scenario() -> None:
            async with living(registry, enrolment_token=TOKEN):
                await wait_in_loop(lambda: len(registry.of("register")) == 2, "a second one")
                await beats(registry, 1)

        asyncio.run(scenario())
        assert {call.authorization for call in registry.of("register")} == {f"Bearer {TOKEN}"}

    def test_the_token_is_not_logged(
        self, registry: FakeRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        registry.script["register"] = [Reply(401), Reply(500), Reply(breaks=True)]

        async def scenario() -> AgentRegistryClient:
            async with living(registry, enrolment_token=TOKEN) as client:
                await beats(registry, 1)
                return client

        client = asyncio.run(scenario())
        assert "refused" in caplog.text
        assert TOKEN not in caplog.text
        assert TOKEN not in repr(client)


KINDS = ("register", "heartbeat", "delete")


class TestSettings:
    @pytest.mark.parametrize("environ", [{}, {"AGENT_ENROLMENT_TOKEN": ""}])
    def test_without_the_variables_there_is_no_token(self, environ: Mapping[str, str]) -> None:
        assert read_secret(ENROLMENT_TOKEN, environ) is None

    def test_the_variable_takes_precedence_over_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("of-file\n")
        environ = {"AGENT_ENROLMENT_TOKEN_FILE": str(tmp_path / "token")}

        assert read_secret(ENROLMENT_TOKEN, environ) == "of-file"
        assert read_secret(ENROLMENT_TOKEN, environ | {"AGENT_ENROLMENT_TOKEN": "set"}) == "set"

    @pytest.mark.parametrize(
        ("content", "why"),
        [(None, "No such file"), (b"", "it is empty"), (b"\xff", "it is not UTF-8")],
    )
    def test_an_unusable_token_file_is_reported(
        self, tmp_path: Path, content: bytes | None, why: str
    ) -> None:
        if content is not None:
            (tmp_path / "token").write_bytes(content)

        with pytest.raises(ValueError, match=why) as caught:
            read_secret(ENROLMENT_TOKEN, {"AGENT_ENROLMENT_TOKEN_FILE": str(tmp_path / "token")})
        assert "AGENT_ENROLMENT_TOKEN_FILE" in str(caught.value)


class TestAgent:
    @pytest.mark.parametrize("by_file", [False, True])
    def test_an_agent_registers_with_the_token_from_its_environment(
        self, tmp_path: Path, registry: FakeRegistry, by_file: bool
    ) -> None:
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        environ: MutableMapping[str, str] = {"AGENT_ENROLMENT_TOKEN": TOKEN}
        if by_file:
            environ = {"AGENT_ENROLMENT_TOKEN_FILE": str(tmp_path / "token")}
        with running_agent(tmp_path, ECHO, environ, **joining(registry)) as agent:
            agent.wait_until_ready()
            wait_until(lambda: registry.of("heartbeat"), "a heartbeat")

        assert registry.of("register")[0].authorization == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("status", [401, 403])
    def test_without_a_token_the_agent_works_but_is_not_ready(
        self, tmp_path: Path, registry: FakeRegistry, status: int
    ) -> None:
        registry.always["register"] = Reply(status, {"detail": "so it is"})
        with running_agent(tmp_path, **joining(registry)) as agent:
            wait_until(lambda: "set AGENT_ENROLMENT_TOKEN" in str(agent.reason()), "the reason")
            assert agent.run(a=1).is_success

    def test_with_a_missing_token_file_the_agent_works_but_is_not_ready(
        self, tmp_path: Path, registry: FakeRegistry
    ) -> None:
        environ = {"AGENT_ENROLMENT_TOKEN_FILE": str(tmp_path / "token")}
        with running_agent(tmp_path, ECHO, environ, **joining(registry)) as agent:
            wait_until(lambda: "AGENT_ENROLMENT_TOKEN_FILE" in str(agent.reason()), "the reason")
            assert agent.run(a=1).is_success
        assert registry.of("register") == []
