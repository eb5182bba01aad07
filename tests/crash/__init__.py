"""Crash tests: workers are killed at every statement and every call; the node's own record decides what was paid."""
