"""The REST plumbing that each app's `api/` uses.

`endpoints.Endpoint` declares an endpoint once: who may call it, what it reads and what it answers.
`views.ApiView` and `viewsets.ApiViewSet` enforce that declaration, and `documentation` describes it in
/openapi.json. `serializers` holds the strict fields of request bodies, `answers` those of responses.

Refusals become problem documents (`problems`; their texts are in `problem_docs/` of each app). `authentication` and
`tokens` are about API tokens, `idempotency` about idempotency keys, `throttling` about rate limits, `pagination`
about keyset pages. `webhooks` delivers the outbox to the platform. `outgoing` and `pages` are endpoints of this
app.
"""
