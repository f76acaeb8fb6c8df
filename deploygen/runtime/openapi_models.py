"""Defers building FastAPI's models of OpenAPI until they are used: a tenth of the start."""

import importlib

from pydantic import BaseModel

# The models inherit this setting.
BaseModel.model_config["defer_build"] = True
try:
    importlib.import_module("fastapi.openapi.models")
finally:
    del BaseModel.model_config["defer_build"]
