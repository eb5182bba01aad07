"""The API's common ground, for doors only: what every room's `api/` stands on.

`views.ApiView` denies by default, reads strict JSON and answers with problem documents (`problems`, whose
texts are `problem_docs/` of each app); `serializers` holds the strict field types; `authentication` and `tokens` the
tokens of people and services; `idempotency` replays what was answered before; `throttling` limits;
`pagination` pages by keyset; `documentation` describes a method for /docs. `webhooks` tells the platform what
the outbox holds; `health`, `metrics` and `outgoing` are this room's own pages.
"""
