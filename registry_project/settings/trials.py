from agents.outbound.networks import NETWORKS, Networks, parse_networks
from registry_project.settings.base import env

# Without networks, operators cannot try agents.
TRY_NETWORKS: Networks | None = env.parsed("TRY_NETWORKS", None, parse_networks, takes=NETWORKS)
# Generated agents answer within 30 seconds, and go on with what takes longer as a job.
TRY_TIMEOUT_SECONDS = env.number("TRY_TIMEOUT_SECONDS", 35.0, 1, 60)
