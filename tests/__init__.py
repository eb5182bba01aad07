"""The folders mirror the apps; `architecture` tests rules over all of them, `journeys` tests whole payouts."""
