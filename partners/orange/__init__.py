"""Orange Money (Sonatel)."""
