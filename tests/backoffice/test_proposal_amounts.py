"""Proposals about money show their amount on the first page, to who decides and to who proposed."""

from decimal import Decimal

import pytest

from ledger.enums import Currency
from ledger.models import ExchangeRate
from sunusav.backoffice.inbox import Amount, inbox_of
from sunusav.backoffice.inbox_shown import show_inbox
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.proposals_made import MAKERS
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW

WITHOUT_MONEY = {
    "approval_band", "fee_schedule", "group_verification", "group_verification_revocation", "manual_rate",
    "member_correction", "member_erasure", "outgoing_resume", "provider_switch_on", "receipt_issuer",
    "receipt_tax_rate", "second_factor_reset", "settlement_account", "winner_exchange",
}  # fmt: skip
IN_FRANCS = {"float_minimum", "settlement", "statement_item"}


def amount_shown(reader: User, proposal: Proposal) -> Amount | None:
    """Return the amount on the row of a proposal on a person's first page."""
    found = inbox_of(reader, now=NOW)
    url = f"/admin/core/proposal/{proposal.pk}/change/"
    (row,) = (row for one in (*found.to_do, *found.informed) for row in one.rows if row.url == url)
    return row.amount


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_who_decides_reads_the_amount_of_each_proposal_about_money(world: World, kind: str) -> None:
    proposal = MAKERS[kind](world)
    Proposal.objects.exclude(pk=proposal.pk).update(open_subject=None)

    shown = amount_shown(person("root", None, is_superuser=True), proposal)

    assert (shown is None) == (kind in WITHOUT_MONEY)
    assert (shown is not None and shown.xof is not None) == (kind in IN_FRANCS)


def test_amount_of_a_proposal_is_in_sats_and_about_in_francs(world: World) -> None:
    proposal = MAKERS["refund_payment"](world)
    ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(60_000_000), source="market", observed_at=NOW, recorded_at=NOW
    )

    assert amount_shown(world.proposer, proposal) == Amount(msat=1_000_000)
    found = show_inbox(inbox_of(person("moussa", Role.APPROVER), now=NOW), now=NOW)
    rows = [row for one in found.to_do for row in one.rows if row.row.url.endswith(f"/{proposal.pk}/change/")]

    assert [(row.amount, row.francs) for row in rows] == [
        ("1\u202f000\u00a0sats", "≈\u00a0600\u00a0F\u00a0CFA")
    ]


def test_amount_in_francs_is_shown_as_proposed(world: World) -> None:
    proposal = MAKERS["float_minimum"](world)

    assert amount_shown(proposal.proposer, proposal) == Amount.of(Currency.XOF, proposal.facts["minimum_xof"])
