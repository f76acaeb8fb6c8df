"""Assembles an agent's image in the build stage. Standard library only."""
