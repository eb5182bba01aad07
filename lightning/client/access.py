"""Address, certificate and macaroon of the node, from files or settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings

from lightning.access_scopes import AccessScope
from lightning.client.errors import NodeMisconfigured
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import narrowed


@dataclass(frozen=True)
class NodeAccess:
    """The node's address and one macaroon, from a file or as text; `repr` leaves out the text.

    `scope` is the access scope of the macaroon, to name it in errors.
    """

    host: str
    network: str
    tls_cert_path: str
    macaroon_path: str = ""
    tls_server_name: str = ""
    macaroon_text: str = field(default="", repr=False)
    scope: str = ""

    @property
    def has_macaroon(self) -> bool:
        """Return whether a macaroon is configured in this process."""
        return bool(self.macaroon_path or self.macaroon_text)

    def certificate(self) -> bytes:
        return _read(self.tls_cert_path, "LND_TLS_CERT_PATH")

    def macaroon(self) -> bytes:
        """Read the macaroon at each call, because an operator may replace its file at any time.

        Raises: NodeMisconfigured, whose text never contains the macaroon.
        """
        if self.macaroon_path and self.macaroon_text:
            raise NodeMisconfigured(f"{self._name} is given twice, as a path and as hex")
        if not self.macaroon_text:
            return _read(self.macaroon_path, self._name)
        try:
            return bytes.fromhex(self.macaroon_text)
        except ValueError:
            raise NodeMisconfigured(f"{self._name} is not hexadecimal") from None

    def macaroon_until(self, not_after: datetime) -> bytes:
        """Return the macaroon for one call, which the node refuses from this moment on. Raises: NodeMisconfigured."""
        try:
            return narrowed(self.macaroon(), not_after)
        except MacaroonUnreadable as error:
            raise NodeMisconfigured(f"{self._name}: {error}") from error

    @property
    def _name(self) -> str:
        return f"the {self.scope} macaroon" if self.scope else "the macaroon"


def access_for(scope: AccessScope) -> NodeAccess:
    """Return what the settings give for an access scope."""
    return NodeAccess(
        host=settings.LND_HOST,
        network=settings.LND_NETWORK,
        tls_cert_path=settings.LND_TLS_CERT_PATH,
        macaroon_path=getattr(settings, f"LND_{scope.name}_MACAROON_PATH"),
        tls_server_name=settings.LND_TLS_SERVER_NAME,
        macaroon_text=getattr(settings, f"LND_{scope.name}_MACAROON_HEX"),
        scope=scope,
    )


def _read(path: str, setting: str) -> bytes:
    if not path:
        raise NodeMisconfigured(f"{setting} is not set")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NodeMisconfigured(f"{setting}: {error.strerror}: {path}") from error
