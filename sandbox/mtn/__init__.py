"""Simulated MTN MoMo: tokens, transfers, requests to pay, balances, account holders, and callbacks.

`security` has users, keys and tokens; `payments` are transfers and requests with their states over time; `answers` has
MTN's error bodies; `numbers` are the phones of its sandbox that fail; `pages` is what a person sees. `MtnDialect` puts
them together.
"""
