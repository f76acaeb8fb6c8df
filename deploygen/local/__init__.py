"""run_agent: an agent on this machine, without Docker, started again when its files change."""
