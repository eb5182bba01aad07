"""Every reason not to pay an invoice: from its text, and from what the node reads in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lightning import errors
from lightning.bolt11 import encode
from lightning.invoices import MAX_FINAL_CLTV_BLOCKS, payable_invoice, read_invoice, require_node_agrees
from lightning.proto import lightning_pb2
from sunusav.core.errors import Invalid
from tests.lightning.bolt11.drafts import KEY, PAYEE, draft

NOW = datetime.fromtimestamp(1_760_000_000, tz=UTC)
AMOUNT = 99_500_000


def check_invoice(text: str, **facts: Any) -> Any:
    usual: dict[str, Any] = {"amount_msat": AMOUNT, "prefix": "bcrt", "now": NOW, "needed_seconds": 900}
    return payable_invoice(text, **(usual | facts))


def refusal_of(text: str, **facts: Any) -> Invalid:
    with pytest.raises(Invalid) as refused:
        check_invoice(text, **facts)
    return refused.value


@pytest.mark.parametrize("pasted", ["{}", "lightning:{}", " {}\n"])
def test_payable_invoice_valid_is_read(pasted: str) -> None:
    text = encode(draft(), KEY)
    assert check_invoice(pasted.format(text)).text == text
    assert check_invoice(pasted.format(text.upper())).text == text


@pytest.mark.parametrize("off_by", [-1, 1, -AMOUNT + 1, 1_000])
def test_payable_invoice_with_other_amount_is_refused(off_by: int) -> None:
    refused = refusal_of(encode(draft(amount_msat=AMOUNT + off_by), KEY))
    assert isinstance(refused, errors.InvoiceAmountDiffers)
    assert refused.facts == {"expected_msat": AMOUNT, "invoice_msat": AMOUNT + off_by}


def test_payable_invoice_without_amount_is_refused() -> None:
    refused = refusal_of(encode(draft(amount_msat=None), KEY))
    assert isinstance(refused, errors.InvoiceWithoutAmount)
    assert refused.facts == {"expected_msat": AMOUNT}


@pytest.mark.parametrize("network", ["bc", "tb", "tbs", "sb"])
def test_payable_invoice_of_other_network_is_refused(network: str) -> None:
    refused = refusal_of(encode(draft(network=network), KEY))
    assert isinstance(refused, errors.InvoiceForAnotherNetwork)
    assert refused.facts == {"invoice_network": network, "our_network": "bcrt"}


def test_payable_invoice_regtest_on_mainnet_is_refused() -> None:
    """LND compares prefixes only and would fail later: `bcrt` begins with `bc`."""
    assert isinstance(refusal_of(encode(draft(), KEY), prefix="bc"), errors.InvoiceForAnotherNetwork)


@pytest.mark.parametrize(
    ("age_seconds", "refusal"),
    [
        (86_401, errors.InvoiceExpired),
        (86_400, errors.InvoiceExpiresTooSoon),
        (86_400 - 899, errors.InvoiceExpiresTooSoon),
        (-601, errors.InvoiceFromTheFuture),
    ],
)
def test_payable_invoice_out_of_time_is_refused(age_seconds: int, refusal: type[Invalid]) -> None:
    text = encode(draft(expiry_seconds=86_400), KEY)
    assert isinstance(refusal_of(text, now=NOW + timedelta(seconds=age_seconds)), refusal)


@pytest.mark.parametrize("age_seconds", [86_400 - 900, 0, -600])
def test_payable_invoice_just_in_time_is_read(age_seconds: int) -> None:
    check_invoice(encode(draft(expiry_seconds=86_400), KEY), now=NOW + timedelta(seconds=age_seconds))


@pytest.mark.parametrize("bit", [30, 31])
def test_payable_invoice_amp_is_refused(bit: int) -> None:
    text = encode(draft(features=1 << 8 | 1 << 14 | 1 << bit), KEY)
    assert isinstance(refusal_of(text), errors.InvoiceNeedsAmp)


def test_payable_invoice_long_lock_is_refused() -> None:
    check_invoice(encode(draft(min_final_cltv_expiry=MAX_FINAL_CLTV_BLOCKS), KEY))
    refused = refusal_of(encode(draft(min_final_cltv_expiry=MAX_FINAL_CLTV_BLOCKS + 1), KEY))
    assert isinstance(refused, errors.InvoiceLocksTooLong)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invoice-too-short"),
        ("lno1qcp4256ypq", "checksum-wrong"),
        ("hello world", "character-not-allowed"),
        ("lnbc1" + "q" * 8_000, "invoice-too-long"),
        (encode(draft(), KEY)[:-1], "checksum-wrong"),
    ],
)
def test_read_invoice_unreadable_names_the_reason(text: str, reason: str) -> None:
    with pytest.raises(errors.InvoiceUnreadable) as refused:
        read_invoice(text)
    assert refused.value.facts == {"reason": reason}


def node_answer(**facts: Any) -> lightning_pb2.PayReq:
    invoice = draft()
    usual: dict[str, Any] = {
        "destination": PAYEE.hex(),
        "payment_hash": invoice.payment_hash.hex(),
        "num_msat": invoice.amount_msat,
        "timestamp": invoice.timestamp,
        "expiry": invoice.expiry_seconds,
        "payment_addr": invoice.payment_secret,
    }
    return lightning_pb2.PayReq(**(usual | facts))


def test_require_node_agrees_same_values_raises_nothing() -> None:
    known = {14: lightning_pb2.Feature(is_required=True, is_known=True), 99: lightning_pb2.Feature()}
    require_node_agrees(read_invoice(encode(draft(), KEY)), node_answer(features=known), our_pubkey="02" * 33)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payment_hash", "00" * 32),
        ("destination", "03" * 33),
        ("num_msat", AMOUNT + 1),
        ("timestamp", 1),
        ("expiry", 3_600),
        ("payment_addr", bytes(32)),
    ],
)
def test_require_node_agrees_other_value_is_refused(field: str, value: Any) -> None:
    with pytest.raises(errors.NodeReadsInvoiceDifferently) as refused:
        require_node_agrees(
            read_invoice(encode(draft(), KEY)), node_answer(**{field: value}), our_pubkey="02" * 33
        )
    assert refused.value.facts == {"field": field}


def test_require_node_agrees_own_node_as_payee_is_refused() -> None:
    with pytest.raises(errors.InvoicePaysOurselves):
        require_node_agrees(read_invoice(encode(draft(), KEY)), node_answer(), our_pubkey=PAYEE.hex())


def test_require_node_agrees_unknown_required_feature_is_refused() -> None:
    features = {48: lightning_pb2.Feature(is_required=True), 51: lightning_pb2.Feature()}
    with pytest.raises(errors.InvoiceNeedsUnknownFeature) as refused:
        require_node_agrees(
            read_invoice(encode(draft(), KEY)), node_answer(features=features), our_pubkey="02" * 33
        )
    assert refused.value.facts == {"features": [48]}
