"""What the franc partner's client reads from the environment."""

from __future__ import annotations

from dataclasses import dataclass

from partners.config import Secret, number, secret, text


@dataclass(frozen=True)
class FrancConfig:
    url: str
    api_key: Secret
    timeout_seconds: int

    @classmethod
    def from_environment(cls) -> FrancConfig:
        return cls(
            text("FRANC_URL", "https://api.francs.example"),
            secret("FRANC_API_KEY"),
            number("FRANC_TIMEOUT_SECONDS", 4),
        )
