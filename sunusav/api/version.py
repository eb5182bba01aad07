"""The version of the service, as /health returns it; a test compares it with pyproject.toml."""

VERSION = "0.1.0"
