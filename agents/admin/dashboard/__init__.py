"""The front page of the admin: how the fleet and the registry are, at a glance, and kept so."""
