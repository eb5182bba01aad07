"""MTN MoMo: client, outcomes, rail and collector against its simulator."""
