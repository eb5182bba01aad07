"""Mobile-money partners: Wave, Orange Money (Sonatel) and MTN MoMo, in and out.

Each partner is one folder (`wave`, `orange`, `mtn`) with a thin client that speaks its dialect, a table that translates
its answers into our outcomes, a rail, a collector and its webhooks; the folders do not import each other. One line of
`settings.PARTNER_PACKAGES` names each, and PARTNERS lists those in use. `wire` makes one HTTP call and separates what
certainly did nothing from what may have been done; `tokens` shares access tokens between processes; `phones`
reads phone numbers; `references` names payments and requests; `phone_rail` is what all rails to a phone have in common.
Rails and collectors write nothing to the database.
"""
