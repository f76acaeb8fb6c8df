import re
from typing import NamedTuple

from agents import agent_ids
from agents.fast_path.request_head import Client, parse_request

REQUEST_LINE = re.compile(
    rb"POST /agents/(?:(%s)/)?heartbeat/? HTTP/1\.([01])\r\n" % agent_ids.PATTERN.encode()
)
LEASE_TOKEN = re.compile(rb"(?<=\r\n)[Ll]ease-[Tt]oken:[ ]?([!-~]*)\r\n")


class Heartbeat(NamedTuple):
    agent_id: str | None  # None: many agents
    lease_token: str | None
    client: Client
    body: bytes


def parse_heartbeat(request: bytes) -> Heartbeat | None:
    line = REQUEST_LINE.match(request)
    parts = None if line is None else parse_request(request, line, LEASE_TOKEN)
    if line is None or parts is None:
        return None
    agent_id = line[1]
    name = None if agent_id is None else agent_id.decode()
    return Heartbeat(name, parts.credential, parts.client, parts.body)
