"""The common part of the fuzzers: reproducible inputs, minimised failures, replaying."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import http_requests, spec_mutations
from tests.fuzz.__main__ import main, report
from tests.fuzz.fuzzing import Failure, PieceFuzzer, Turn, minimised
from tests.fuzz.http_answers import BadAnswer, answers_in, requests_in


class Fragile:
    """Fails on an "x", and is unhealthy after two inputs."""

    name = "fragile"

    def __init__(self) -> None:
        self.met = 0

    def make(self, random: Random) -> Sequence[bytes]:
        return [random.choice([b"a", b"b", b"x"]) for _ in range(8)]

    def check(self, pieces: Sequence[bytes]) -> str | None:
        self.met += 1
        return "there is an x" if b"x" in pieces else None

    def check_health(self) -> str | None:
        return "it is worn out" if self.met >= 2 else None


@pytest.mark.parametrize("make", [http_requests.make, spec_mutations.make])
def test_the_same_seed_gives_the_same_input(make: object) -> None:
    assert callable(make)
    for number in range(100):
        assert make(Random(number)) == make(Random(number))
    assert make(Random(1)) != make(Random(2))


def test_a_failure_is_minimised() -> None:
    fuzzer = PieceFuzzer(Fragile(), seed=1)
    fuzzer.take(Turn(inputs=1))

    [first, health] = fuzzer.failures
    assert (first.problem, first.pieces) == ("there is an x", (b"x",))
    assert health.problem == "after inputs 0 to 0: it is worn out"


def test_a_minimal_input_is_kept() -> None:
    both = minimised([b"a", b"x", b"b", b"y"], lambda p: b"x" in p and b"y" in p)
    assert both == [b"x", b"y"]
    assert minimised([b"x"], lambda _: True) == [b"x"]


def test_a_failure_is_replayed_from_its_file(tmp_path: Path) -> None:
    failure = Failure("fragile", 1, 2, "there is an x", (b"x", b"\xff"))

    again = Failure.read(failure.write(tmp_path))

    assert again == failure
    assert PieceFuzzer(Fragile(), seed=1).replay(again) == "there is an x"


def test_a_turn_ends_at_its_time_limit() -> None:
    fuzzer = PieceFuzzer(Fragile(), seed=1)
    fuzzer.take(Turn(until=0.0))
    assert fuzzer.tried == 0


def test_failures_are_printed_with_their_files_and_set_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    fuzzer = PieceFuzzer(Fragile(), seed=1)
    fuzzer.failures = [Failure("fragile", 1, number, "there is an x", (b"x",)) for number in (3, 4)]

    assert report([fuzzer]) == 1

    output = capsys.readouterr().out
    assert "fragile, input 3 (2 times): there is an x" in output
    assert "2 failures" in output
    assert Path("var/fuzz/fragile-1-3.json").is_file()

    fuzzer.failures = []
    assert report([fuzzer]) == 0
    assert capsys.readouterr().out.endswith("\n0 failures\n")


@pytest.mark.parametrize("arguments", [["--seconds", "x"], ["--only", "nothing"], ["--more"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)


WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (WHOLE, (["GET"], True)),
        (WHOLE + WHOLE.replace(b"GET", b"HEAD"), (["GET", "HEAD"], True)),
        (WHOLE[:-2], ([], False)),
        (WHOLE + b"P", (["GET"], False)),
        (WHOLE.replace(b"\r\n", b"\n"), (["GET"], False)),
        (b"\0" + WHOLE, ([], False)),
        (WHOLE.replace(b"x\r\n", b"x\r\nContent-Length: 2\r\n") + b"{", (["GET"], False)),
    ],
)
def test_only_complete_requests_need_an_answer(
    payload: bytes, found: tuple[list[str], bool]
) -> None:
    assert requests_in(payload) == found


TO_GET = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
TO_HEAD = TO_GET.removesuffix(b"{}")


def test_each_answer_to_an_unknown_request_may_be_one_to_get_or_to_head() -> None:
    assert len(answers_in(TO_GET + TO_HEAD + TO_GET + TO_HEAD, [], at_end=True)) == 4
    assert len(answers_in(TO_HEAD + TO_GET, ["HEAD"], at_end=True)) == 2
    with pytest.raises(BadAnswer):
        answers_in(TO_HEAD + TO_GET, ["GET"], at_end=True)
    with pytest.raises(BadAnswer):
        answers_in(TO_GET + b"HTTP/1.1 4\r\n\r\n", [], at_end=True)
