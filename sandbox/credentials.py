"""The demo's logins and tokens: made once per installation, kept in a file only its owner reads."""

from __future__ import annotations

import json
import secrets
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
        """Return a login's password, made on first use."""
        return self.passwords.setdefault(login, secrets.token_urlsafe(12))

    def shown(self, *, port: int, flower_port: int) -> str:
        """Return what a person needs to look around."""
        base = f"http://localhost:{port}"
        lines = ["", f"  API docs      {base}/docs  ·  {base}/redoc", f"  admin         {base}/admin/"]
        lines += [
            f"  health        {base}/health",
            f"  Flower        http://localhost:{flower_port}",
            "",
            "  logins",
        ]
        lines += [f"    {login:<10} {self.roles[login]:<10} {word}" for login, word in self.passwords.items()]
        lines += ["", "  tokens (header `Authorization: Token …`)"]
        lines += [f"    {role:<16} {token}" for role, token in self.tokens.items()]
        return "\n".join([*lines, "", "  serving until Ctrl-C", ""])
