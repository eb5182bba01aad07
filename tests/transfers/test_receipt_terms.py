"""Who issues receipts and the tax rate on them: proposed by one person, adopted by another, from a moment on."""

from datetime import timedelta

import pytest

from sunusav.core import approvals
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.roles import Role
from tests.factories.receipts import (
    ISSUER,
    adopt,
    proposed_issuer,
    proposed_tax_rate,
    set_issuer,
    set_tax_rate,
)
from tests.factories.users import make_user
from tests.transfers.builders import NOW
from transfers.calculations import contained_tax_sats
from transfers.document_errors import (
    EffectiveInPast,
    IssuerIncomplete,
    IssuerRequestMissing,
    TaxRateOutOfRange,
    TaxRateRequestMissing,
)
from transfers.document_queries import issuer_in_force, tax_rate_in_force
from transfers.models import AdoptedIssuer, Issuer, TaxRate
from transfers.services.issuers import describe_issuer, describe_tax_rate, propose_issuer
from transfers.types import IssuerFacts

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fee_sats", "rate_bps", "tax_sats"),
    [
        (1_000, 0, 0),
        (1_000, 1_800, 152),
        (1_180, 1_800, 180),
        (1, 1_800, 0),
        (0, 1_800, 0),
        (1_000, 9_999, 499),
    ],
)
def test_tax_is_contained_in_the_fee_and_rounded_down(fee_sats: int, rate_bps: int, tax_sats: int) -> None:
    assert contained_tax_sats(fee_sats, rate_bps=rate_bps) == tax_sats


@pytest.mark.django_db
def test_issuer_is_in_force_once_a_second_person_approved_it() -> None:
    proposal = proposed_issuer(now=NOW)
    assert issuer_in_force(NOW + HOUR) is None

    adopt(proposal, now=NOW + HOUR)

    found = issuer_in_force(NOW + HOUR)
    assert found is not None
    assert (found.issuer.legal_name, found.issuer.ninea) == (ISSUER.legal_name, ISSUER.ninea)
    assert issuer_in_force(NOW) is None
    line = TrailEntry.objects.get(subject=f"receipt_issuer:{found.issuer_id}", action="adopt")
    assert line.facts["legal_name"] == ISSUER.legal_name


@pytest.mark.django_db
def test_last_effective_issuer_is_in_force_whatever_the_order_of_approvals() -> None:
    later = set_issuer(IssuerFacts("Later", "Dakar", "2"), now=NOW, effective_at=NOW + 2 * HOUR)
    first = set_issuer(IssuerFacts("First", "Dakar", "1"), now=NOW)

    assert [issuer_in_force(NOW + hours * HOUR) for hours in (0, 1, 2, 3)] == [first, first, later, later]


@pytest.mark.django_db
def test_change_approved_late_applies_from_its_approval_on() -> None:
    proposal = proposed_tax_rate(1_800, now=NOW, effective_at=NOW + HOUR)

    adopt(proposal, now=NOW + 2 * HOUR)

    assert tax_rate_in_force(NOW + 2 * HOUR - timedelta(seconds=1)) is None
    found = tax_rate_in_force(NOW + 2 * HOUR)
    assert found is not None
    assert (found.tax_rate.rate_bps, found.effective_at) == (1_800, NOW + 2 * HOUR)


@pytest.mark.django_db
def test_tax_rate_can_be_set_back_to_zero() -> None:
    set_tax_rate(1_800, now=NOW)
    set_tax_rate(0, now=NOW + HOUR)

    found = tax_rate_in_force(NOW + HOUR)
    assert found is not None
    assert found.tax_rate.rate_bps == 0


@pytest.mark.django_db
def test_proposer_cannot_approve_an_issuer() -> None:
    proposal = proposed_issuer(now=NOW)

    with pytest.raises(approvals.ApproverIsProposer):
        approvals.approve(
            proposal_id=proposal.pk, approver=proposal.proposer, digest=proposal.digest, now=NOW
        )

    assert not AdoptedIssuer.objects.exists()


@pytest.mark.django_db
def test_second_proposal_of_an_issuer_waits_for_the_first() -> None:
    first = proposed_issuer(now=NOW)

    with pytest.raises(approvals.ProposalAlreadyOpen) as refused:
        proposed_issuer(now=NOW)

    assert refused.value.facts["proposal_id"] == str(first.pk)
    assert Issuer.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["legal_name", "address", "ninea"])
def test_issuer_without_a_part_is_refused(name: str) -> None:
    whole = {"legal_name": "SunuSàv", "address": "Dakar", "ninea": "1"}

    with pytest.raises(IssuerIncomplete) as refused:
        propose_issuer(
            issuer=IssuerFacts(**{**whole, name: "  "}), reason="x", proposer=make_user(Role.FINANCE), now=NOW
        )

    assert refused.value.facts == {"missing": name}
    assert not Issuer.objects.exists()


@pytest.mark.django_db
def test_terms_out_of_range_are_refused() -> None:
    for rate_bps in (-1, 10_000):
        with pytest.raises(TaxRateOutOfRange):
            proposed_tax_rate(rate_bps, now=NOW)
    with pytest.raises(EffectiveInPast):
        proposed_tax_rate(1_800, now=NOW, effective_at=NOW - timedelta(seconds=1))
    with pytest.raises(EffectiveInPast):
        proposed_issuer(now=NOW, effective_at=NOW - timedelta(seconds=1))

    assert not TaxRate.objects.exists()
    assert not Issuer.objects.exists()
    assert not Proposal.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "7", "x"])
def test_terms_that_do_not_exist_are_refused(key: str) -> None:
    with pytest.raises(IssuerRequestMissing):
        describe_issuer(key)
    with pytest.raises(TaxRateRequestMissing):
        describe_tax_rate(key)
