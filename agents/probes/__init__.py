"""Calls agents to see whether they can be reached and are ready.

Workers take the agents that are due, in small batches and within a budget that they share, call
them, and write what they found. What they find is damped.
"""
