"""Programs for the contestants' own environment, which lacks the registry's packages."""
