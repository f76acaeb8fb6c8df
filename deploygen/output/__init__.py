"""Renders a spec to files, and writes them into a folder."""
