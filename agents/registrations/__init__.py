"""Registrations: who may register, what they may send, and how many are written at once."""
