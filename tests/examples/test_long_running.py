from typing import Any

import pytest

from examples.long_running.handler import primes_between
from tests.examples.conftest import Example, RunExample
from tests.processes import wait_until

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("start", "end", "primes"),
    [(0, 0, 0), (0, 2, 0), (0, 3, 1), (0, 100, 25), (100, 1000, 143), (1, 2, 0), (97, 98, 1)],
)
def test_primes_are_counted(start: int, end: int, primes: int) -> None:
    assert primes_between(start, end) == primes


def status(example: Example, url: str) -> Any:
    answer = example.http.get(url)
    assert answer.status_code == 200
    return answer.json()


def test_long_work_continues_as_a_job(run_example: RunExample) -> None:
    with run_example("long_running") as example:
        quick = example.run(below=1000)
        assert quick.status_code == 200
        assert quick.json()["primes"] == 168

        # Six pauses exceed the one second that the agent waits.
        answer = example.run(below=600_000, pause=0.25)
        assert answer.status_code == 202
        job = answer.json()
        assert job == {
            "job_id": job["job_id"],
            "status": "running",
            "status_url": f"/status/{job['job_id']}",
        }
        wait_until(lambda: status(example, job["status_url"])["status"] != "running", "its end")
        ended = status(example, job["status_url"])
        assert (ended["job_id"], ended["status"]) == (job["job_id"], "done")
        assert ended["result"]["primes"] == 49_098
        assert "error" not in ended


def test_a_job_can_be_cancelled(run_example: RunExample) -> None:
    with run_example("long_running") as example:
        # Would take hours.
        url = example.run(below=10**12).json()["status_url"]
        assert status(example, url)["status"] == "running"
        assert example.http.delete(url).is_success
        wait_until(lambda: status(example, url)["status"] == "cancelled", "its end")
        assert example.http.get("/status/unknown").status_code == 404
