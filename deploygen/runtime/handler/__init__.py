"""Loads and calls the author's function."""
