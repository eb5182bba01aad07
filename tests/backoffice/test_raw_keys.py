"""Pages name subjects, accounts and people: nobody reads a stored key, an account's code or a bare amount."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from ledger.enums import AccountRole, Currency
from ledger.models import Account
from sunusav.core.subjects import known_kinds
from tests.backoffice.conftest import Enter
from tests.backoffice.full_world import fill
from tests.backoffice.world import World
from transfers.models import Attempt

CODE = re.compile(r"<code\b.*?</code>|<(script|style)\b.*?</\1>", re.DOTALL)


def text_of(client: Client, url: str) -> str:
    """Return what a page shows, without what it shows as a code to compare and copy."""
    html = client.get(url, follow=True, headers={"accept-language": "fr"}).content.decode()
    shown = CODE.sub(" ", html.partition('role="main"')[2])
    return " ".join(unescape(strip_tags(shown.replace("<", " <"))).split())


def pages() -> Iterator[str]:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for pk in model._default_manager.values_list("pk", flat=True)[:1]:
            yield reverse(f"{name}_change", args=[pk])


def test_no_page_shows_the_key_of_a_subject_or_the_code_of_an_account(world: World, enter: Enter) -> None:
    fill(world)
    client = enter(None)
    keys = re.compile(rf"\b(?:{'|'.join(known_kinds())}):\S+")
    accounts = re.compile(rf"\b(?:{'|'.join(AccountRole)}):(?:{'|'.join(Currency)})\b")

    found = {
        url: shown
        for url in pages()
        if (shown := [one for rule in (keys, accounts) for one in rule.findall(text_of(client, url))])
    }

    assert found == {}


def test_no_list_shows_a_badge_within_a_badge(world: World, enter: Enter) -> None:
    fill(world)
    client = enter(None)
    nested = re.compile(r'class="badge"[^>]*>\s*<span class="badge"')

    pages_read = {url: client.get(url).content.decode() for url in pages() if "/change/" not in url}

    assert any('class="badge"' in html for html in pages_read.values())
    assert [url for url, html in pages_read.items() if nested.search(html)] == []


def page_of_paid(world: World, client: Client) -> str:
    return text_of(client, f"/admin/transfers/disbursement/{world.paid.pk}/change/")


def test_payment_names_its_payee_its_winner_and_the_account_that_paid(world: World, enter: Enter) -> None:
    client = enter(None)
    html = client.get(f"/admin/transfers/disbursement/{world.paid.pk}/change/").content.decode()

    shown = page_of_paid(world, client)

    assert shown.count("user-0 (A. N.)") == 2
    assert re.search(r'href="/admin/payouts/member/\d+/change/">user-0 \(A\. N\.\)</a>', html)
    assert "Depuis nœud Lightning" in shown
    assert "n° " in shown
    assert "#" not in shown


@pytest.mark.parametrize(
    ("page", "amounts"),
    [
        ("paymentorder", ["Montant 29\u202f850\u00a0sats", "Coût maximal 10\u00a0sats"]),
        ("attempt", ["Coût 1,500\u00a0sats"]),
    ],
)
def test_order_and_attempt_have_units(world: World, enter: Enter, page: str, amounts: list[str]) -> None:
    attempt = Attempt.objects.get(disbursement=world.paid)
    key = attempt.pk if page == "attempt" else attempt.order_id
    shown = text_of(enter(None), f"/admin/transfers/{page}/{key}/change/")
    plain = [" ".join(amount.split()) for amount in amounts]

    assert [amount for amount in plain if amount not in shown] == []
    assert not re.search(r"\b(29850000|10000|1500)\b", shown)


def test_list_of_accounts_names_each(world: World, enter: Enter) -> None:
    shown = text_of(enter(None), "/admin/ledger/account/")

    assert Account.objects.filter(code="in_transit:msat:").exists() or "en transit" in shown
    assert "cagnotte du groupe (tour demo-cycle)" in shown
