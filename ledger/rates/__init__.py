"""Exchange rates: where they come from, which are believed, which one holds now."""
