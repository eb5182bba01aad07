"""Shared by tests, crash tests and benches: throw-away servers, a flush that empties append-only tables too."""
