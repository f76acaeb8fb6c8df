from ..metrics import Metric, Sample
from .client import AgentRegistryClient


def lease_metrics(client: AgentRegistryClient) -> list[Metric]:
    schedule = client.schedule
    held = Sample(int(client.registered))
    metrics = [
        Metric("agent_lease_held", "gauge", "1 if it is registered.", [held]),
        Metric("agent_lease_ttl_seconds", "gauge", "The TTL.", [Sample(client.ttl_seconds)]),
        Metric(
            "agent_registry_failures_total",
            "counter",
            "Calls that the registry did not answer, or not now.",
            [Sample(schedule.all_failures)],
        ),
    ]
    if schedule.renewed_at is not None:
        metrics.append(
            Metric(
                "agent_lease_renewed_timestamp_seconds",
                "gauge",
                "When the lease was last taken or renewed.",
                [Sample(schedule.renewed_at)],
            )
        )
    return metrics
