import http.client
import json
from http import HTTPStatus

TIMEOUT_SECONDS = 2.0


def unreadiness(address: str, port: int) -> str | None:
    """Return why the agent is not ready, "" if it is, None if it does not answer."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return "" if response.status == HTTPStatus.OK else str(answer.get("reason", "not ready"))
