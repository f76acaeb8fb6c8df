import subprocess
import sys

SCRIPT = """
import deploygen.runtime.server
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel

class Own(BaseModel):
    number: int

print(OpenAPI.__pydantic_complete__, Own.__pydantic_complete__)
OpenAPI.model_validate({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}})
"""


def test_models_of_openapi_are_built_when_they_are_used_and_no_others_later() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False True\n"
