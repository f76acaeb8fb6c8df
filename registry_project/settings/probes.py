from agents.outbound.networks import NETWORKS, Networks, parse_networks
from registry_project.settings.base import env

# How often a worker looks for agents to probe.
PROBE_RUN_SECONDS = 5

# Without networks, nothing is probed.
PROBE_NETWORKS: Networks | None = env.parsed("PROBE_NETWORKS", None, parse_networks, takes=NETWORKS)
PROBE_INTERVAL_SECONDS = env.integer("PROBE_INTERVAL_SECONDS", 30, PROBE_RUN_SECONDS, 86_400)
PROBE_TIMEOUT_SECONDS = env.number("PROBE_TIMEOUT_SECONDS", 2.0, 0.1, 60)
PROBE_FAILURES = env.integer("PROBE_FAILURES", 3, 1, 100)
PROBE_SUCCESSES = env.integer("PROBE_SUCCESSES", 2, 1, 100)
PROBE_BUDGET_PER_SECOND = env.integer("PROBE_BUDGET_PER_SECOND", 50, 1, 10_000)
