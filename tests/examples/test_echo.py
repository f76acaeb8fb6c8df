import pytest

from tests.examples.conftest import RunExample

pytestmark = pytest.mark.integration


def test_the_example_echoes_its_input_and_names_invalid_fields(
    run_example: RunExample,
) -> None:
    with run_example("echo") as example:
        assert example.run(text="hello").json() == {"echo": "hello"}
        assert example.run(text="hello", times=3).json() == {"echo": "hello hello hello"}

        for inputs, field in (({}, "text"), ({"text": "hello", "times": "2"}, "times")):
            refused = example.run(**inputs)
            assert refused.status_code == 422
            assert field in refused.text
        too_often = example.run(text="hello", times=101)
        assert too_often.status_code == 422
        assert "times must be 1 to 100" in too_often.text
