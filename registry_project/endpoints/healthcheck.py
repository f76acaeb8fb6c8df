"""Docker's health check of liveness: a restart would not bring back a database."""

import http.client
import sys

PORT = 9000
TIMEOUT_SECONDS = 4


def main(port: int = PORT) -> int:
    """Return 0 or 1. Only server errors are unhealthy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/live")
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
