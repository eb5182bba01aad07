"""A user of MTN's sandbox, made by the command, opens the simulator."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from partners.mtn.client import MtnClient
from partners.mtn.config import MtnConfig
from tests.partners.mtn.harness import MtnHarness


def provisioned(product: str) -> dict[str, str]:
    printed = StringIO()
    call_command("provision_mtn_sandbox", product, "--callback-host", "hooks.example.org", stdout=printed)
    return dict(line.split("=", 1) for line in printed.getvalue().splitlines())


@pytest.mark.parametrize(("product", "prefix"), [("disbursement", "MTN_"), ("collection", "MTN_COLLECTION_")])
def test_provisioned_user_gets_a_token(
    mtn: MtnHarness, monkeypatch: pytest.MonkeyPatch, product: str, prefix: str
) -> None:
    mtn.control.set(target_environment="sandbox", currency="EUR")

    variables = provisioned(product)

    assert sorted(variables) == sorted(
        ["MTN_TARGET_ENVIRONMENT", "MTN_CALLBACK_HOST", f"{prefix}API_USER", f"{prefix}API_KEY"]
    )
    assert (variables["MTN_TARGET_ENVIRONMENT"], variables["MTN_CALLBACK_HOST"]) == (
        "sandbox",
        "hooks.example.org",
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config = MtnConfig.from_environment()
    client = MtnClient.paying(config) if product == "disbursement" else MtnClient.collecting(config)
    assert client.balance() == 1_000_000


@pytest.mark.parametrize(
    ("key", "message"), [("wrong", "INVALID_SUBSCRIPTION_KEY"), ("", "MTN_SUBSCRIPTION_KEY is not set")]
)
def test_refused_key_makes_no_user(
    mtn: MtnHarness, monkeypatch: pytest.MonkeyPatch, key: str, message: str
) -> None:
    monkeypatch.setenv("MTN_SUBSCRIPTION_KEY", key)

    with pytest.raises(CommandError, match=message):
        provisioned("disbursement")
