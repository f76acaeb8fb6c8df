from tests.agents.probes.probing import probes_on

__all__ = ["probes_on"]
