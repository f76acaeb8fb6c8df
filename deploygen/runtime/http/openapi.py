from typing import Any

from fastapi import FastAPI

from ..access.guard import OPEN_TO_ALL

SCHEME = "bearer"
REFUSALS = {
    "429": {"description": "Too many calls from one address: see Retry-After"},
    "503": {"description": "Too many calls are waiting: see Retry-After"},
}
UNAUTHORIZED = {"401": {"description": "No token, or a wrong one"}}


class AgentApi(FastAPI):
    requires_token = False

    def openapi(self) -> dict[str, Any]:
        is_new = self.openapi_schema is None
        document = super().openapi()
        if is_new:
            self._describe_guard(document)
        return document

    def _describe_guard(self, document: dict[str, Any]) -> None:
        if self.requires_token:
            schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
            schemes[SCHEME] = {"type": "http", "scheme": "bearer"}
        for path, operations in document["paths"].items():
            if path in OPEN_TO_ALL:
                continue
            for operation in operations.values():
                operation["responses"] = REFUSALS | operation["responses"]
                if self.requires_token:
                    operation["security"] = [{SCHEME: []}]
                    operation["responses"] |= UNAUTHORIZED
