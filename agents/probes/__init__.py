"""Calls agents to see whether they are reachable and ready.

Workers take agents that are due, in small batches and within a shared budget, call them, and record
the damped results.
"""
