"""Writes of this app, by verb."""
