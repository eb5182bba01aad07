"""Refusals of this room, each named for the fact; the codec's own are in `bolt11.errors`."""

from sunusav.core.errors import Invalid
from transfers.errors import DestinationAmountDiffers


class InvoiceUnreadable(Invalid):
    """The text is no BOLT 11 invoice; `reason` is the codec's refusal."""

    reason: str


class InvoiceForAnotherNetwork(Invalid):
    invoice_network: str
    our_network: str


class InvoiceWithoutAmount(Invalid):
    """The recipient did not sign an amount, so anybody could change it."""

    expected_msat: int


class InvoiceAmountDiffers(DestinationAmountDiffers):
    expected_msat: int
    invoice_msat: int


class InvoiceExpired(Invalid):
    expired_at: str


class InvoiceExpiresTooSoon(Invalid):
    """The invoice would expire while we still try to pay it."""

    expires_at: str
    needed_seconds: int


class InvoiceFromTheFuture(Invalid):
    created_at: str


class InvoiceNeedsAmp(Invalid):
    """Atomic multi-path payments are not recognised when sent twice; we never make them."""

    payment_hash: str


class InvoiceLocksTooLong(Invalid):
    """The recipient asks that our money may be locked for more blocks than we allow."""

    blocks: int
    limit_blocks: int


class InvoicePaysOurselves(Invalid):
    payee: str


class InvoiceNeedsUnknownFeature(Invalid):
    """Our node does not know a feature without which the invoice must not be paid."""

    features: list[int]


class InvoiceReadDifferently(Invalid):
    """Our node and our own codec disagree about what the invoice says."""

    field: str


class LightningAddressUnreadable(Invalid):
    """The text is not `name@domain` as LUD-16 writes it."""

    reason: str


class LnurlUnreadable(Invalid):
    """The text is no LNURL, or one that is not for paying somebody."""

    reason: str


class LnurlServiceRefuses(Invalid):
    """The recipient's service says that it does not take payments for this address."""

    host: str
    reason: str


class AmountOutsideServiceRange(Invalid):
    """The recipient's service takes less, or only more, than is due."""

    host: str
    amount_msat: int
    min_msat: int
    max_msat: int


class LnurlAnswerMalformed(Invalid):
    """The recipient's service answered, but not as LNURL-pay says."""

    host: str
    reason: str
