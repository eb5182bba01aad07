"""Orange Money: client, table of outcomes, rail, collector and simulator."""
