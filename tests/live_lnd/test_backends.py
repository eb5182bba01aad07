"""Choice of back-ends."""

from __future__ import annotations

import pytest

from tests.live_lnd.backends import (
    VARIABLES,
    PartlyConfigured,
    environment_of,
    given_backend,
    missing_variables,
)

ALL = {name: f"value of {name}" for name in VARIABLES}


def test_variables_are_three_per_node_and_the_network() -> None:
    assert VARIABLES == (
        "LND_TEST_PAYER_HOST",
        "LND_TEST_PAYER_TLS_CERT_PATH",
        "LND_TEST_PAYER_MACAROON_PATH",
        "LND_TEST_RECIPIENT_HOST",
        "LND_TEST_RECIPIENT_TLS_CERT_PATH",
        "LND_TEST_RECIPIENT_MACAROON_PATH",
        "LND_TEST_NETWORK",
    )


def test_missing_variables_of_partial_configuration_is_an_error() -> None:
    assert missing_variables(ALL) == []
    assert missing_variables({}) == list(VARIABLES)
    with pytest.raises(PartlyConfigured, match="LND_TEST_NETWORK"):
        missing_variables({name: value for name, value in ALL.items() if name != "LND_TEST_NETWORK"})


def test_given_backend_uses_the_variables() -> None:
    backend = given_backend(ALL)
    assert (backend.payer.host, backend.recipient.host) == (
        ALL["LND_TEST_PAYER_HOST"],
        ALL["LND_TEST_RECIPIENT_HOST"],
    )
    assert backend.recipient.macaroon_path == ALL["LND_TEST_RECIPIENT_MACAROON_PATH"]
    assert backend.payer.network == ALL["LND_TEST_NETWORK"]
    assert (backend.process, backend.restart) == (None, None)
    assert environment_of(backend) == ALL
