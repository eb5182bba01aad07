"""Settings per environment: `local` (make run), `test`, `production`; all import `base`."""
