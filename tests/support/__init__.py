"""What tests, crash tests and benches run on: throw-away servers, a flush that append-only tables allow."""
