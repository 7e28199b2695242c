"""Sounds of a second or so, from seeds."""
