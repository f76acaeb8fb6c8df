"""Schemathesis with the OpenAPI document: every call with valid and invalid input."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import schemathesis
from hypothesis import strategies as st
from requests import RequestException
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure as Finding
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from tests.fuzz.fuzzing import Failure, Turn

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    use_after_free,
    response_headers_conformance,
    response_schema_conformance,
]
# The web server's own answers to request lines and headers that are too large. Such requests never
# reach the API.
SERVER_STATUSES = (414, 431)
WATCH = "GET /agents/watch"
LIMIT = 15.0
# Calls per seed. Hypothesis starts with the simplest ones for each seed.
CHUNK = 60
STEPS = 8
LONGEST_PROBLEM = 1_500


class ApiDocument:
    """Single calls, and sometimes chains of calls by the links that schemathesis finds."""

    name = "api"

    def __init__(self, url: str, seed: int) -> None:
        self.tried = 0
        self.statuses: Counter[int] = Counter()
        self.failures: list[Failure] = []
        self._url = url
        self._seed = seed
        self._chunks = 0
        self._turn = Turn()
        self._first = 0
        answer = httpx.get(f"{url}/schema", params={"format": "json"}, timeout=LIMIT)
        self.document: dict[str, Any] = answer.raise_for_status().json()
        self.load()

    def load(self) -> None:
        """Use the document as it is now."""
        # An explicit configuration, so that no file in the working directory is used.
        config = SchemathesisConfig()
        self._schema = schemathesis.openapi.from_dict(self.document, config=config)
        self._schema.config.update(base_url=self._url)
        self._calls = st.one_of(*self._strategies())

    @property
    def calls(self) -> list[str]:
        """All calls of the document, such as "GET /agents"."""
        return [operation.label for operation in self._operations()]

    def take(self, turn: Turn) -> None:
        self._turn, self._first = turn, self.tried
        while self._goes_on():
            self._chunks += 1
            if self._chunks % 4:
                self._run_calls()
            else:
                self._run_chains()

    def replay(self, failure: Failure) -> str | None:
        return f"send it again as shown: {failure.problem}"

    def _goes_on(self) -> bool:
        return self._turn.goes_on(self.tried - self._first)

    def _operations(self) -> Iterator[Any]:
        for found in self._schema.get_all_operations():
            if isinstance(found, Err):
                raise found.err()
            yield found.ok()

    def _strategies(self) -> Iterator[st.SearchStrategy[Any]]:
        for operation in self._operations():
            yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            parts = (operation.path_parameters, operation.query, operation.body)
            # A call without input has no invalid form.
            if any(parts):
                yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    def _run_calls(self) -> None:
        @hypothesis.seed(self._seed * 1_000_000 + self._chunks)
        @_settings(CHUNK)
        @hypothesis.given(case=self._calls)
        def call(case: Case[Any]) -> None:
            if self._goes_on():
                try:
                    response = _at_once(case).call(timeout=LIMIT)
                except RequestException as error:
                    self._fail(f"{case.operation.label}: {error!r}, {case.as_curl_command()}")
                else:
                    self._check(case, response)

        call()

    def _run_chains(self) -> None:
        self._register_some()
        fuzzer = self

        class Chains(self._schema.as_state_machine()):  # type: ignore[misc]
            def call(self, case: Case[Any], **kwargs: Any) -> Response:
                answer: Response = super().call(_at_once(case), timeout=LIMIT, **kwargs)
                return answer

            def validate_response(self, response: Response, case: Case[Any], **_: Any) -> None:
                fuzzer._check(case, response)

        machine = hypothesis.seed(self._seed * 1_000_000 + self._chunks)(Chains)
        settings = hypothesis.settings(
            _settings(CHUNK // STEPS), stateful_step_count=STEPS, report_multiple_bugs=False
        )
        try:
            machine.run(settings=settings)
        except RequestException as error:
            self._fail(f"in a chain of calls: {error!r}")

    def _register_some(self) -> None:
        """Register agents for the chains, which start at the list."""
        for number in range(4):
            body = {"agent_id": f"chained-{number}", "host": "h", "port": 80}
            httpx.post(f"{self._url}/agents/register", json=body, timeout=LIMIT)

    def _check(self, case: Case[Any], response: Response) -> None:
        self.tried += 1
        self.statuses[response.status_code] += 1
        if response.status_code in SERVER_STATUSES:
            return
        try:
            case.validate_response(response, checks=CHECKS)
        except (Finding, FailureGroup) as error:
            self._fail(f"{case.operation.label}: {error}")

    def _fail(self, problem: str) -> None:
        shortened = problem[:LONGEST_PROBLEM]
        self.failures.append(Failure(self.name, self._seed, self.tried, shortened))


def _at_once(case: Case[Any]) -> Case[Any]:
    """A watch without `wait` is a stream, which does not end."""
    if case.operation.label == WATCH:
        case.query = {**(case.query or {}), "wait": 0}
    return case


def _settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
