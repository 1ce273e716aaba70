"""Sapwood beside the other engines, in one run: README.md one folder up says how and why."""
