"""``make webhooks``: a receiver that fails for a minute gets everything once it is back."""
