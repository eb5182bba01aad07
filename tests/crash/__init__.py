"""Crash tests: workers killed at every statement and every call, judged by the node's own record."""
