"""An agent lives and dies in a registry, step by step. Run it with ``make demo``."""
