"""Assembles the file system of an agent's image, in the build stage.

It runs on the base image's Python with nothing but the standard library.
"""
