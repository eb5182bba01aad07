"""Refusals of a destination, each named for the fact; the codec's errors are in `bolt11.errors`."""

from sunusav.core.errors import Invalid
from transfers.errors import DestinationAmountDiffers


class InvoiceUnreadable(Invalid):
    """The text is not a BOLT 11 invoice; `reason` names the codec's error."""

    reason: str


class InvoiceForAnotherNetwork(Invalid):
    invoice_network: str
    our_network: str


class InvoiceWithoutAmount(Invalid):
    """The recipient did not sign an amount, so anyone could change it."""

    expected_msat: int


class InvoiceAmountDiffers(DestinationAmountDiffers):
    expected_msat: int
    invoice_msat: int


class InvoiceExpired(Invalid):
    expired_at: str


class InvoiceExpiresTooSoon(Invalid):
    """The invoice would expire while we are still trying to pay it."""

    expires_at: str
    needed_seconds: int


class InvoiceFromTheFuture(Invalid):
    created_at: str


class InvoiceNeedsAmp(Invalid):
    """We never make atomic multi-path payments: the node does not recognise one that is sent twice."""

    payment_hash: str


class InvoiceLocksTooLong(Invalid):
    """The invoice may lock our money for more blocks than we allow."""

    blocks: int
    limit_blocks: int


class InvoicePaysOurselves(Invalid):
    payee: str


class InvoiceNeedsUnknownFeature(Invalid):
    """The invoice requires features that our node does not know."""

    features: list[int]


class NodeReadsInvoiceDifferently(Invalid):
    """Our node and our codec read different values in the same invoice."""

    code = "invoice-read-differently"

    field: str


class LightningAddressUnreadable(Invalid):
    """The text is not a Lightning Address, `name@domain` (LUD-16)."""

    reason: str


class LnurlUnreadable(Invalid):
    """The text is not an LNURL, or not one for payments."""

    reason: str


class LnurlServiceRefuses(Invalid):
    """The recipient's service answered that it does not accept payments for this address."""

    host: str
    reason: str


class AmountOutsideServiceRange(Invalid):
    """The amount due is below the minimum or above the maximum of the recipient's service."""

    host: str
    amount_msat: int
    min_msat: int
    max_msat: int


class LnurlAnswerMalformed(Invalid):
    """The recipient's service answered, but not as LNURL-pay specifies."""

    host: str
    reason: str
