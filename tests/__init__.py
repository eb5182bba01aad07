"""Tests mirror the rooms; `house` tests the rules themselves, `journeys` tell whole stories."""
