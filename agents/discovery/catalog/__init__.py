"""Agents as entries of catalogs: AI Catalog 1.0 and ARD, Agentic Resource Discovery, 0.9.

https://github.com/Agent-Card/ai-catalog, https://github.com/ards-project/ard-spec
"""
