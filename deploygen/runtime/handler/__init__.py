"""The author's function: loaded, called, its inputs and outputs checked."""
