"""The version of the registry and its generator, in one place."""

VERSION = "0.2.0"
