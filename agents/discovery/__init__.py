"""Which agents a caller asks for, in which order; and picking one."""
