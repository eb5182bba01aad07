NOT_EXPORTED = {
    "ledger.AccountCheckpoint": "a sum of entries that are exported",
}
