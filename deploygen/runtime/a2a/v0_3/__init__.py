"""A2A 0.3, for clients that do not speak 1.0: its calls as those of 1.0, its JSON, its card."""
