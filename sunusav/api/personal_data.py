NOT_EXPORTED = {
    "api.IdempotencyKey": "answers to the platform, encrypted and deleted after 30 days; they repeat what sections say",
}
