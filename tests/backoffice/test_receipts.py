"""Issued receipts in the back office: who issues them, the tax rate, and links that are revoked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.backoffice.world import World
from tests.factories.receipts import set_issuer
from tests.factories.users import make_user
from transfers.models import AdoptedIssuer, AdoptedTaxRate, IssuedReceipt, Issuer, ReceiptLink
from transfers.services.receipt_links import open_receipt_link

Enter = Callable[..., Client]
PROPOSE_ISSUER = "/admin/transfers/issuer/actions/propose/"
PROPOSE_RATE = "/admin/transfers/taxrate/actions/propose/"
REVOKE = "/admin/transfers/issuedreceipt/actions/revoke-link/"
GIVEN = {
    "legal_name": "SunuSàv SA", "address": "Dakar", "ninea": "0061234562G3", "effective_at": "", "reason": "registered",
}  # fmt: skip


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    return response.content.decode()


def approve(client: Client, proposal: Proposal) -> None:
    given: dict[str, Any] = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    client.post("/admin/core/proposal/actions/approve/", given)


@pytest.mark.django_db
def test_finance_proposes_an_issuer_and_an_approver_puts_it_in_force(world: World, enter: Enter) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    assert PROPOSE_ISSUER in page(finance, "/admin/transfers/issuer/")
    assert PROPOSE_ISSUER not in page(approver, "/admin/transfers/issuer/")
    assert page(finance, PROPOSE_ISSUER)

    finance.post(PROPOSE_ISSUER, GIVEN)

    proposal = Proposal.objects.get(kind="receipt_issuer")
    assert not AdoptedIssuer.objects.exists()
    text = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    assert "SunuSàv SA" in text
    assert "0061234562G3" in text
    approve(approver, proposal)

    adopted = AdoptedIssuer.objects.get()
    assert adopted.issuer == Issuer.objects.get()
    for url in (
        "/admin/transfers/adoptedissuer/", f"/admin/transfers/adoptedissuer/{adopted.pk}/change/",
        f"/admin/transfers/issuer/{adopted.issuer_id}/change/",
    ):  # fmt: skip
        assert "SunuSàv SA" in page(finance, url)


@pytest.mark.django_db
def test_finance_proposes_a_tax_rate_in_per_cent(world: World, enter: Enter) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)

    finance.post(PROPOSE_RATE, {"percent": "18.00", "effective_at": "", "reason": "the adviser's letter"})
    proposal = Proposal.objects.get(kind="receipt_tax_rate")
    assert "18\xa0%" in page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    approve(approver, proposal)

    adopted = AdoptedTaxRate.objects.get()
    assert adopted.tax_rate.rate_bps == 1_800
    assert "18\xa0%" in page(finance, "/admin/transfers/adoptedtaxrate/")
    assert "18\xa0%" in page(finance, PROPOSE_RATE)
    assert page(finance, f"/admin/transfers/taxrate/{adopted.tax_rate_id}/change/")


@pytest.mark.django_db
def test_finance_revokes_the_link_of_a_receipt_whose_token_is_shown_nowhere(
    world: World, enter: Enter
) -> None:
    now = clock.now()
    set_issuer(now=now)
    opened = open_receipt_link(kind="payout", key=world.paid.pk, user=make_user(Role.PLATFORM), now=now)
    receipt, link = IssuedReceipt.objects.get(), ReceiptLink.objects.get()
    own = f"/admin/transfers/issuedreceipt/{receipt.pk}/change/"
    finance, auditor = enter(Role.FINANCE), enter(Role.AUDITOR)
    assert REVOKE in page(finance, own)
    assert REVOKE not in page(auditor, own)
    ReceiptLink.objects.update(opened_at=now - timedelta(days=400), expires_at=now - timedelta(days=1))
    assert REVOKE not in page(finance, own)  # what has expired cannot be revoked
    ReceiptLink.objects.update(expires_at=link.expires_at)
    for url in (
        own,
        "/admin/transfers/issuedreceipt/",
        "/admin/transfers/receiptlink/",
        f"/admin/transfers/receiptlink/{link.pk}/change/",
    ):
        text = page(auditor, url)
        assert receipt.number in text
        assert link.nonce not in text
        assert opened.token not in text

    finance.post(REVOKE, {"pk": receipt.pk, "reason": "sent to the wrong person"})

    link.refresh_from_db()
    assert link.closed_at is not None
    assert REVOKE not in page(finance, own)
    assert "sent to the wrong person" in page(finance, own)
