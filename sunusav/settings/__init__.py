"""Settings per environment: `local` (make run), `test`, `production`; all start from `base`."""
