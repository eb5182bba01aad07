"""The variables named MTN_*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from partners.config import NotConfigured, Secret, number, secret, text, texts

NAME: Final = "mtn"
SANDBOX: Final = "sandbox"
SANDBOX_URL: Final = "https://sandbox.momodeveloper.mtn.com"
# The platform that internet integrations leave in 2026, and the one that they move to.
LEGACY, NEW = "legacy", "new"
PLATFORM_URLS: Mapping[str, str] = MappingProxyType({
    LEGACY: "https://proxy.momoapi.mtn.com", NEW: "https://momoapi.momo.africa",
})  # fmt: skip
LOWER, UPPER = "lower", "upper"
ID_TYPES: Mapping[str, str] = MappingProxyType({LOWER: "msisdn", UPPER: "MSISDN"})
REFUSE, OFF = "refuse", "off"
SAME, SEPARATE = "same", "separate"
WEBHOOKS_PATH: Final = "/monetization/partners/mtn/webhooks/"


@dataclass(frozen=True)
class TargetEnvironment:
    """A country as MTN names it, or its sandbox, and the currency that it takes."""

    name: str
    countries: tuple[str, ...]
    currency: str


# Those in our currency, and the sandbox, which takes only euros: francs are sent to it as euros, and never booked.
ENVIRONMENTS: Mapping[str, TargetEnvironment] = MappingProxyType({
    one.name: one
    for one in (
        TargetEnvironment("mtnivorycoast", ("CI",), "XOF"),
        TargetEnvironment("mtnbenin", ("BJ",), "XOF"),
        TargetEnvironment(SANDBOX, ("CI", "BJ", "SE"), "EUR"),
    )
})  # fmt: skip


@dataclass(frozen=True)
class MtnAccess:
    """What opens one product (`disbursement`, `collection`): its subscription key, and our user there."""

    product: str
    user: Secret
    key: Secret
    subscription: Secret


@dataclass(frozen=True)
class MtnConfig:
    """How MTN is reached. `disbursement` pays, and only the worker of the queue `payouts` has its key."""

    url: str
    environment_name: str
    disbursement: MtnAccess
    collection: MtnAccess
    platform: str
    id_type: str
    compares_names: bool
    has_separate_wallets: bool
    timeout_seconds: int
    order_valid_minutes: int
    callback_url: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> MtnConfig:
        """Read the variables. Raises: ValueError that names one with an impossible value."""
        environment_name = text("MTN_TARGET_ENVIRONMENT", "")
        platform = _one_of("MTN_TOKEN_PLATFORM", LEGACY, NEW)
        default_url = SANDBOX_URL if environment_name == SANDBOX else PLATFORM_URLS[platform]
        return cls(
            url=text("MTN_URL", default_url).rstrip("/"), environment_name=environment_name,
            disbursement=MtnAccess(
                "disbursement", secret("MTN_API_USER"), secret("MTN_API_KEY"), secret("MTN_SUBSCRIPTION_KEY")
            ),
            collection=MtnAccess(
                "collection", secret("MTN_COLLECTION_API_USER"), secret("MTN_COLLECTION_API_KEY"),
                secret("MTN_COLLECTION_SUBSCRIPTION_KEY"),
            ),
            platform=platform, id_type=ID_TYPES[_one_of("MTN_PARTY_ID_TYPE_CASE", LOWER, UPPER)],
            compares_names=_one_of("MTN_NAME_CHECK", OFF, REFUSE) == REFUSE,
            has_separate_wallets=_one_of("MTN_COLLECTION_WALLET", SAME, SEPARATE) == SEPARATE,
            timeout_seconds=number("MTN_TIMEOUT_SECONDS", 7),
            order_valid_minutes=number("MTN_ORDER_VALID_MINUTES", 24 * 60),
            callback_url=_callback_url(),
        )  # fmt: skip

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries that our account serves; none while MTN_TARGET_ENVIRONMENT is not set to one that we know."""
        known = ENVIRONMENTS.get(self.environment_name)
        return known.countries if known else ()

    @property
    def environment(self) -> TargetEnvironment:
        """Return the target environment. Raises: NotConfigured."""
        if self.environment_name not in ENVIRONMENTS:
            raise NotConfigured(f"MTN_TARGET_ENVIRONMENT is none of {', '.join(ENVIRONMENTS)}")
        return ENVIRONMENTS[self.environment_name]

    @property
    def source(self) -> str:
        """Name the platform that takes our orders: only there can their status be read. Raises: NotConfigured."""
        return f"{urlsplit(self.url).netloc}:{self.environment.name}"


def _one_of(variable: str, default: str, other: str) -> str:
    chosen = text(variable, default)
    if chosen not in (default, other):
        raise ValueError(f"{variable} must be {default} or {other}")
    return chosen


def _callback_url() -> str:
    """Return where MTN reports what became of a request; "" where no secret of the path is set.

    The host is the one that is registered at MTN: that of PUBLIC_BASE_URL unless MTN_CALLBACK_HOST names another.
    """
    tokens, own = texts("MTN_WEBHOOK_TOKENS", ""), urlsplit(settings.PUBLIC_BASE_URL)
    if not tokens:
        return ""
    return f"{own.scheme}://{text('MTN_CALLBACK_HOST', own.netloc)}{WEBHOOKS_PATH}{tokens[0]}"
