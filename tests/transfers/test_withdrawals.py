"""Withdrawal links: the secret is returned once, the first fitting invoice wins, none is lost."""

from datetime import datetime, timedelta

import pytest

from lightning.errors import InvoiceAmountDiffers, InvoiceUnreadable
from sunusav.core.models import TrailEntry
from tests.support.opened import opened
from tests.transfers.builders import BY, NET_MSAT, NET_SATS, NOW, ordered, other_invoice
from tests.transfers.rails import invoice_for
from tests.transfers.unchanged import unchanged
from transfers.errors import (
    PaymentReferenceUsed,
    RailUnavailable,
    RailUnknown,
    SubjectHeld,
    WithdrawalLinkClosed,
    WithdrawalLinkMissing,
    WithdrawalLinkOpen,
    WithdrawalRedeemedOtherwise,
    WithdrawalSecretUnknown,
)
from transfers.models import WithdrawalLink
from transfers.queries import newest_withdrawal, withdrawals_to_take
from transfers.services.disbursements import cancel_disbursement
from transfers.services.withdrawals import (
    defer_taking,
    expire_withdrawals,
    open_withdrawal,
    record_taken,
    record_taking_deferred,
    redeem_withdrawal,
    refuse_withdrawal,
    revoke_withdrawal,
    withdrawal_of,
)
from transfers.types import Destination

pytestmark = pytest.mark.django_db

SUBJECT = "cycle:claimed"
MINUTE = timedelta(minutes=1)
EXPIRY = NOW + timedelta(hours=24)
LAST_MOMENT = EXPIRY - timedelta(microseconds=1)


def link(subject: str = SUBJECT, *, now: datetime = NOW) -> str:
    """Open a link; return its secret."""
    return open_withdrawal(subject=subject, rail="lightning", amount_sats=NET_SATS, actor=BY, now=now).secret


def redeem(secret: str, invoice: Destination | None = None, *, now: datetime = NOW) -> None:
    given = invoice or invoice_for("first", NET_SATS)
    redeem_withdrawal(secret=secret, kind=given.kind, value=given.value, now=now)


def stored() -> WithdrawalLink:
    return WithdrawalLink.objects.latest("id")


# Opening


def test_open_returns_the_secret_once_and_stores_only_its_digest() -> None:
    opened = open_withdrawal(subject=SUBJECT, rail="lightning", amount_sats=NET_SATS, actor=BY, now=NOW)

    assert (opened.amount_msat, opened.expires_at, len(bytes.fromhex(opened.secret))) == (
        NET_MSAT,
        EXPIRY,
        32,
    )
    assert withdrawal_of(opened.secret, now=LAST_MOMENT).subject == SUBJECT
    kept = [
        str(value)
        for model in (WithdrawalLink, TrailEntry)
        for row in model.objects.values()
        for value in row.values()
    ]
    assert [value for value in kept if opened.secret in value] == []
    assert opened.secret not in repr(opened)
    assert link("cycle:other") != opened.secret


def test_open_while_one_is_open_or_waits_to_be_paid_is_refused() -> None:
    secret = link()
    for state in ("open", "redeemed"):
        with unchanged(), pytest.raises(WithdrawalLinkOpen) as error:
            link()
        assert error.value.facts == {"subject": SUBJECT, "link_state": state, "expires_at": EXPIRY}
        redeem(secret)


def test_open_by_a_rail_that_is_none_is_refused() -> None:
    with unchanged(), pytest.raises(RailUnknown):
        open_withdrawal(subject=SUBJECT, rail="pigeon", amount_sats=1, actor=BY, now=NOW)


def test_open_after_the_last_has_expired_closes_it_first() -> None:
    first = link()
    link(now=EXPIRY)

    assert list(WithdrawalLink.objects.order_by("id").values_list("state", flat=True)) == ["expired", "open"]
    with pytest.raises(WithdrawalLinkClosed):
        redeem(first, now=EXPIRY)


# Redeeming


def test_redeem_keeps_where_the_money_goes_and_waits_to_be_taken() -> None:
    secret = link()
    redeem(secret, now=LAST_MOMENT)

    row = stored()
    assert (row.state, row.redeemed_at, row.take_at) == ("redeemed", LAST_MOMENT, LAST_MOMENT)
    assert opened(row.destination) == invoice_for("first", NET_SATS)
    actions = TrailEntry.objects.filter(subject=f"withdrawal:{row.pk}").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["open", "redeem"]


def test_redeem_with_the_same_invoice_again_is_welcome_and_changes_nothing() -> None:
    secret = link()
    redeem(secret)
    with unchanged():
        redeem(secret)
        redeem(secret, now=EXPIRY + MINUTE)


def test_redeem_with_another_invoice_is_refused_permanently() -> None:
    secret = link()
    redeem(secret)
    with unchanged(), pytest.raises(WithdrawalRedeemedOtherwise):
        redeem(secret, invoice_for("second", NET_SATS))
    refuse_withdrawal(withdrawal_id=stored().pk, why=RailUnknown(rail="x", known_rails=[]), actor=BY, now=NOW)
    with unchanged(), pytest.raises(WithdrawalRedeemedOtherwise):
        redeem(secret, invoice_for("second", NET_SATS))


def test_redeem_again_what_was_refused_since_is_not_called_good() -> None:
    secret = link()
    redeem(secret)
    refuse_withdrawal(withdrawal_id=stored().pk, why=RailUnknown(rail="x", known_rails=[]), actor=BY, now=NOW)
    with unchanged(), pytest.raises(WithdrawalLinkClosed) as error:
        redeem(secret)
    assert error.value.facts == {"link_state": "refused"}


@pytest.mark.parametrize("secret", ["", "x", "00" * 32, "é" * 4_000])
def test_redeem_by_an_unknown_secret_is_refused(secret: str) -> None:
    link()
    with unchanged(), pytest.raises(WithdrawalSecretUnknown):
        redeem(secret)
    with unchanged(), pytest.raises(WithdrawalSecretUnknown):
        withdrawal_of(secret, now=NOW)


@pytest.mark.parametrize("sats", [NET_SATS - 1, NET_SATS + 1])
def test_redeem_with_an_invoice_over_another_amount_is_refused_and_keeps_it_open(sats: int) -> None:
    secret = link()
    with unchanged(), pytest.raises(InvoiceAmountDiffers):
        redeem(secret, invoice_for("wrong", sats))
    redeem(secret)
    assert stored().state == "redeemed"


def test_redeem_with_what_is_no_invoice_is_refused() -> None:
    secret = link()
    with unchanged(), pytest.raises(InvoiceUnreadable):
        redeem_withdrawal(secret=secret, kind="bolt11", value="lnbc", now=NOW)


def test_redeem_after_its_time_is_refused() -> None:
    secret = link()
    for ask in (lambda: redeem(secret, now=EXPIRY), lambda: withdrawal_of(secret, now=EXPIRY)):
        with unchanged(), pytest.raises(WithdrawalLinkClosed) as error:
            ask()
        assert error.value.facts == {"link_state": "expired"}
    assert newest_withdrawal(SUBJECT).state_at(EXPIRY) == "expired"


def test_redeem_for_a_subject_with_a_payment_is_refused() -> None:
    secret = link("cycle:awa")
    ordered("awa")
    with unchanged(), pytest.raises(SubjectHeld):
        redeem(secret)


def test_redeem_with_an_invoice_that_another_payment_used_is_refused() -> None:
    from tests.transfers.builders import run
    from tests.transfers.rails import Watch

    ordered("moussa")
    run(Watch(NOW))
    secret = link()
    with unchanged(), pytest.raises(PaymentReferenceUsed):
        redeem(secret, other_invoice("moussa"))


# Revoking


def test_revoke_closes_it() -> None:
    secret = link()
    assert revoke_withdrawal(subject=SUBJECT, actor=BY, now=NOW).state == "revoked"
    with unchanged(), pytest.raises(WithdrawalLinkClosed) as error:
        redeem(secret)
    assert error.value.facts == {"link_state": "revoked"}
    with unchanged(), pytest.raises(WithdrawalLinkClosed):
        revoke_withdrawal(subject=SUBJECT, actor=BY, now=NOW)


def test_revoke_what_was_redeemed_is_refused() -> None:
    redeem(link())
    with unchanged(), pytest.raises(WithdrawalLinkClosed) as error:
        revoke_withdrawal(subject=SUBJECT, actor=BY, now=NOW)
    assert error.value.facts == {"link_state": "redeemed"}


def test_revoke_and_read_what_never_was_are_refused() -> None:
    with unchanged(), pytest.raises(WithdrawalLinkMissing):
        revoke_withdrawal(subject=SUBJECT, actor=BY, now=NOW)
    with pytest.raises(WithdrawalLinkMissing) as error:
        newest_withdrawal(SUBJECT)
    assert error.value.facts == {"subject": SUBJECT}


def test_expire_closes_only_what_nobody_redeemed_in_time() -> None:
    link("cycle:a")
    redeem(link("cycle:b"))
    link("cycle:c", now=NOW + MINUTE)

    assert expire_withdrawals(now=LAST_MOMENT) == 0
    assert expire_withdrawals(now=EXPIRY) == 1
    assert expire_withdrawals(now=EXPIRY) == 0

    states = WithdrawalLink.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["expired", "redeemed", "open"]


# Taking


def test_withdrawals_to_take_are_redeemed_and_each_is_taken_by_one_worker() -> None:
    link("cycle:a")
    redeem(link("cycle:b"))
    redeem(link("gift:c"))

    (due,) = withdrawals_to_take("cycle:", now=NOW)

    assert (due.subject, opened(due.destination)) == ("cycle:b", invoice_for("first", NET_SATS))
    assert defer_taking(due.id, now=NOW)
    assert not defer_taking(due.id, now=NOW)
    assert withdrawals_to_take("cycle:", now=NOW) == []
    assert [found.id for found in withdrawals_to_take("cycle:", now=NOW + MINUTE)] == [due.id]
    assert withdrawals_to_take("cycle:", now=NOW + MINUTE, subject="cycle:a") == []


def test_taken_is_bound_to_its_payment_and_frees_the_subject() -> None:
    redeem(link("cycle:awa"))
    row = stored()
    record_taking_deferred(withdrawal_id=row.pk, why=RailUnavailable(rail="lightning", detail="away"))
    row.refresh_from_db()
    assert (row.state, row.failure_code) == ("redeemed", "rail-unavailable")
    disbursement_id = ordered("awa")

    record_taken(withdrawal_id=row.pk, disbursement_id=disbursement_id, actor=BY, now=NOW)

    row.refresh_from_db()
    assert (row.state, row.disbursement_id, row.take_at) == ("taken", disbursement_id, None)
    assert (row.failure_code, row.live_subject) == ("", None)
    cancel_disbursement(disbursement_id=disbursement_id, actor=BY, reason="again", now=NOW)
    assert link("cycle:awa")


def test_refused_keeps_why_and_frees_the_subject() -> None:
    redeem(link())
    why = InvoiceAmountDiffers(expected_msat=2, invoice_msat=1)

    refuse_withdrawal(withdrawal_id=stored().pk, why=why, actor=BY, now=NOW)

    row = stored()
    assert (row.state, row.failure_code, row.take_at) == ("refused", "invoice-amount-differs", None)
    assert row.failure_facts == {"expected_msat": 2, "invoice_msat": 1}
    assert link()
