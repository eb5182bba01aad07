"""The demo's logins and tokens: created once, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE = "credentials.json"


@dataclass
class Credentials:
    """Passwords and roles by login, tokens by role."""

    passwords: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, state: Path) -> Credentials:
        file = state / FILE
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def save(self, state: Path) -> None:
        file = state / FILE
        file.touch(mode=0o600)
        file.write_text(
            json.dumps({"passwords": self.passwords, "tokens": self.tokens, "roles": self.roles}, indent=1)
        )

    def password_for(self, login: str) -> str:
        """Return a login's password; create it at the first call."""
        return self.passwords.setdefault(login, secrets.token_urlsafe(12))

    def shown(self, *, port: int, flower_port: int, pages: Mapping[str, str]) -> str:
        """Return the addresses, logins and tokens as text for the terminal."""
        base = f"http://localhost:{port}"
        lines = ["", f"  API docs      {base}/docs  ·  {base}/redoc", f"  admin         {base}/admin/"]
        lines += [
            f"  health        {base}/health",
            f"  Flower        http://localhost:{flower_port}",
            *(f"  {name:<8} simulated: phones and balances on {url}" for name, url in pages.items()),
            "",
            "  logins",
        ]
        lines += [
            f"    {login:<10} {self.roles[login]:<10} {password}"
            for login, password in self.passwords.items()
        ]
        lines += ["", "  tokens (header `Authorization: Token …`)"]
        lines += [f"    {role:<16} {token}" for role, token in self.tokens.items()]
        return "\n".join([*lines, "", "  serving until Ctrl-C", ""])
