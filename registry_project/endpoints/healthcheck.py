"""``python -m registry_project.endpoints.healthcheck``: Docker's health check of the web server.

It asks for liveness, not for readiness: restarting the container would not bring back its database.
"""

import http.client
import sys

PORT = 9000
TIMEOUT_SECONDS = 4


def main(port: int = PORT) -> int:
    """Return 0 if the web server answers with anything but a server error, else 1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/live")
        # Any status below 500 comes from a living process.
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
