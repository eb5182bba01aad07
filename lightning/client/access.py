"""How we reach the node: address, certificate, macaroons, from files or settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from lightning.access_scopes import AccessScope
from lightning.client.errors import NodeMisconfigured


@dataclass(frozen=True)
class NodeAccess:
    """Where the node is and with which rights we speak to it: a macaroon from a file or, hidden, as text."""

    host: str
    network: str
    tls_cert_path: str
    macaroon_path: str = ""
    tls_server_name: str = ""
    macaroon_text: str = field(default="", repr=False)

    def certificate(self) -> bytes:
        return _read(self.tls_cert_path, "LND_TLS_CERT_PATH")

    def macaroon(self) -> bytes:
        """Read the macaroon anew: it is small, and an operator may replace its file at any time.

        Raises: NodeMisconfigured, which never quotes the macaroon.
        """
        if self.macaroon_path and self.macaroon_text:
            raise NodeMisconfigured("the macaroon of this errand is given twice, as a path and as hex")
        if not self.macaroon_text:
            return _read(self.macaroon_path, "the macaroon of this errand")
        try:
            return bytes.fromhex(self.macaroon_text)
        except ValueError:
            raise NodeMisconfigured("the macaroon of this errand is not hexadecimal") from None


def access_for(errand: AccessScope) -> NodeAccess:
    """Return the access that the settings give for an errand."""
    return NodeAccess(
        host=settings.LND_HOST,
        network=settings.LND_NETWORK,
        tls_cert_path=settings.LND_TLS_CERT_PATH,
        macaroon_path=getattr(settings, f"LND_{errand.name}_MACAROON_PATH"),
        tls_server_name=settings.LND_TLS_SERVER_NAME,
        macaroon_text=getattr(settings, f"LND_{errand.name}_MACAROON_HEX"),
    )


def _read(path: str, setting: str) -> bytes:
    if not path:
        raise NodeMisconfigured(f"{setting} is not set")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NodeMisconfigured(f"{setting}: {error.strerror}: {path}") from error
