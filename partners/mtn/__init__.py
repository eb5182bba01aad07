"""MTN MoMo."""
