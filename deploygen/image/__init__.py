"""Puts together the file system of an agent's image, while the image is built.

It runs by the Python of the base image, needs only the standard library, and is not in the image.
"""
