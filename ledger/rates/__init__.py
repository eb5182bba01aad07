"""Exchange rates: their sources, which answers are accepted, which rate is current."""
