"""Runs while an agent's image is built: puts together the file system that the image consists of.

The generator copies this package into the agent's folder, under the name of build. It runs by the
Python of the base image, needs nothing but its standard library, and is not in the image.
"""
