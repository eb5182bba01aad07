"""What all simulated partners have in common: a process of its own with durable state, steered by scripts.

A partner's folder (`sandbox/wave`) has its rules and its dialect, and runs `serving.main` with them. `store` is its
file; `script` says what the next calls do other than usual; `wallets` are its phones; `webhooks` are what it sends;
`control` steers it from a test or the demo; `process` starts, kills, freezes and restarts it.
"""
