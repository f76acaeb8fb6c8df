"""Serves the card of any agent at its address: ``... card_server PORT``.

oo-a2a-registry fetches it when an agent registers.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Cards(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        # /new-1/.well-known/agent-card.json
        name = self.path.split("/")[1]
        body = json.dumps(card(name, self.headers["Host"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def card(name: str, host: str) -> dict[str, object]:
    interface = {
        "url": f"http://{host}/{name}",
        "protocolBinding": "json-rpc/2.0",
        "protocolVersion": "1.0",
    }
    return {"name": name, "supportedInterfaces": [interface], "version": "1.0.0"}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Cards).serve_forever()
