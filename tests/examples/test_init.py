import io
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.examples.conftest import RunSpec

pytestmark = pytest.mark.integration


def test_the_scaffold_can_be_generated_and_run_unchanged(tmp_path: Path, run_spec: RunSpec) -> None:
    call_command("generate_agent", "--init", str(tmp_path / "new-agent"), stdout=io.StringIO())
    with run_spec(tmp_path / "new-agent" / "agent.yaml") as agent:
        answer = agent.run(text="one two three", most_words=2)
        assert answer.status_code == 200
        assert answer.json() == {"words": ["one", "two"], "count": 2}
        assert agent.run(text="one").json() == {"words": ["one"], "count": 1}
        assert agent.run(words="one").status_code == 422
