"""A server on loopback that counts connections and answers with the bytes that a test gives it, with or without TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Reply = bytes | Callable[[socket.socket], None]


class Listener:
    """Serve one client after the other; `accepted` counts connections, `requests` keeps what was received."""

    def __init__(
        self, reply: Reply = b"", *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        self.reply, self._tls = reply, tls
        self.accepted = 0
        self.requests: list[str] = []
        self.names_asked: list[str | None] = []
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names_asked.append(name)
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            with caller, suppress(OSError):
                caller.settimeout(10)
                self._answer(caller)

    def _answer(self, caller: socket.socket) -> None:
        if self._tls is None:
            self._reply_to(caller)
            return
        with self._tls.wrap_socket(caller, server_side=True) as secured:
            self._reply_to(secured)

    def _reply_to(self, caller: socket.socket) -> None:
        self.requests.append(caller.recv(65_536).decode(errors="replace"))
        if callable(self.reply):
            self.reply(caller)
        else:
            caller.sendall(self.reply)


def http_answer(body: bytes, *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Return an HTTP response as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Authority:
    """A certificate authority for tests, and the TLS contexts of its servers and clients."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        made = self._certificate(self._name, self._key.public_key())
        signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._file = folder / "authority.pem"
        self._file.write_bytes(signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def trusting(self) -> ssl.SSLContext:
        """Return the context of a client that trusts only this authority."""
        return ssl.create_default_context(cafile=str(self._file))

    def serving(self, name: str) -> ssl.SSLContext:
        """Return the context of a server with this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._certificate(subject, key.public_key())
        signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        file = self._folder / f"{name}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(secret + signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
