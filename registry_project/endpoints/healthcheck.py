"""``python -m registry_project.endpoints.healthcheck``: Docker's health check of the web server.

It does not ask whether the registry is ready: what restarts a container for being unhealthy would
not bring back its database.
"""

import http.client
import sys

PORT = 9000
TIMEOUT_SECONDS = 4


def main(port: int = PORT) -> int:
    """Return 0 when something else than a fault is answered, 1 otherwise."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/live")
        # 400, where ALLOWED_HOSTS does not hold our name for it, is an answer of a living process.
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"unhealthy: {error}")
        return 1
    finally:
        connection.close()
    print(f"/health/live answered {status}")
    return int(status >= http.client.INTERNAL_SERVER_ERROR)


if __name__ == "__main__":
    sys.exit(main())
