from agents.models.agent import *  # noqa: F403
