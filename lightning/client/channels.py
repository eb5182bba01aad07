"""One gRPC channel per process and node, opened at the first call and not inherited over a fork."""

from __future__ import annotations

import os
from threading import Lock

import grpc

from lightning.client.access import NodeAccess

# LND's limits (`lnrpc/metadata.go`, `lnd.go`): answers of 200 MiB; it answers pings more often than every 5 s, or
# without an open stream, with GOAWAY. gRPC's own retries are off: it must never repeat a payment. The reconnect
# backoff finds a restarted node within seconds instead of gRPC's default of two minutes.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 200 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
_Key = tuple[str, str, str]
_channels: dict[_Key, tuple[bytes, grpc.Channel]] = {}
_lock = Lock()


def _forget_after_fork() -> None:
    """Drop the parent's channels without closing them: gRPC is not fork safe."""
    global _lock  # noqa: PLW0603 - the parent may have held it at the fork
    _lock = Lock()
    _channels.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


def channel_to(access: NodeAccess) -> grpc.Channel:
    """Return this process's channel to the node.

    Raises: NodeMisconfigured when the certificate cannot be read.
    """
    key = _key_of(access)
    with _lock:
        if key not in _channels:
            certificate = access.certificate()
            _channels[key] = certificate, _open(access, certificate)
        return _channels[key][1]


def forget_if_stale(access: NodeAccess) -> None:
    """Drop the channel when the certificate file has changed, so that the next call opens a new one.

    Operators renew it at least every 14 months. Calls in progress keep the old channel open.
    """
    certificate = access.certificate()
    with _lock:
        known = _channels.get(_key_of(access))
        if known is not None and known[0] != certificate:
            del _channels[_key_of(access)]


def _key_of(access: NodeAccess) -> _Key:
    return access.host, access.tls_cert_path, access.tls_server_name


def _open(access: NodeAccess, certificate: bytes) -> grpc.Channel:
    options: list[tuple[str, int | str]] = list(OPTIONS)
    if access.tls_server_name:
        options.append(("grpc.ssl_target_name_override", access.tls_server_name))
    return grpc.secure_channel(access.host, grpc.ssl_channel_credentials(certificate), options)
