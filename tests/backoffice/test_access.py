"""Who may open which page of the back office: one table for all roles. A model without a row in it fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpResponseForbidden
from django.test import Client
from django.urls import reverse

from sunusav.backoffice import forbidden
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.full_world import fill
from tests.backoffice.world import World

F, A, U, O = Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR  # noqa: E741
MONEY = {F, A, U}
ALL = {F, A, U, O}

# Who may read; superusers always may. EDITORS lists everybody who may add, change or delete.
READERS: dict[str, set[Role]] = {
    "auth.group": {U, O},
    "core.approval": ALL,
    "core.approvalband": ALL,
    "core.approvalbandrequest": ALL,
    "core.outboxmessage": {U, O},
    "core.proposal": ALL,
    "core.reading": {U, O},
    "core.staffsession": {U, O},
    "core.switch": ALL,
    "core.trailentry": ALL,
    "core.trailseal": ALL,
    "core.user": {U, O},
    "django_celery_beat.periodictask": {F, U, O},
    "fees.discountgrant": MONEY,
    "fees.feeassessment": MONEY,
    "fees.feerecord": MONEY,
    "fees.feeschedule": MONEY,
    "fees.feescheduledraft": MONEY,
    "core.export": ALL,
    "knox.authtoken": {U, O},
    "ledger.account": MONEY,
    "ledger.accountcheckpoint": MONEY,
    "ledger.auditrun": ALL,
    "ledger.currencyconversion": MONEY,
    "ledger.exchangerate": ALL,
    "ledger.journalentry": MONEY,
    "ledger.journaltransaction": MONEY,
    "ledger.ledgerseal": MONEY,
    "ledger.manualraterequest": MONEY,
    "lightning.listenercursor": {U, O},
    "otp_totp.totpdevice": set(),
    "partners.adoptedfloatminimum": ALL,
    "partners.floatminimum": ALL,
    "partners.adoptedsettlementaccount": ALL,
    "partners.approvedsettlement": ALL,
    "partners.contestedline": ALL,
    "partners.inboundwebhook": ALL,
    "partners.settlement": ALL,
    "partners.settlementaccount": ALL,
    "partners.settlementbankpayment": ALL,
    "payouts.contribution": MONEY,
    "payouts.cycle": MONEY,
    "payouts.cyclereopening": MONEY,
    "payouts.group": MONEY,
    "payouts.member": MONEY,
    "payouts.membererasure": MONEY,
    "payouts.proposedrefund": MONEY,
    "payouts.refund": MONEY,
    "transfers.adoptedissuer": ALL,
    "transfers.adoptedtaxrate": ALL,
    "transfers.attempt": ALL,
    "transfers.collection": ALL,
    "transfers.credittransferrequest": ALL,
    "transfers.credituse": ALL,
    "transfers.disbursement": ALL,
    "transfers.issuedreceipt": ALL,
    "transfers.issuer": ALL,
    "transfers.limitusage": ALL,
    "transfers.matchingrule": ALL,
    "transfers.pastadmission": ALL,
    "transfers.partner": ALL,
    "transfers.paymentlimit": ALL,
    "transfers.paymentlimitrequest": ALL,
    "transfers.paymentorder": ALL,
    "transfers.railbreaker": ALL,
    "transfers.railliquidity": ALL,
    "transfers.providerswitch": ALL,
    "transfers.railmatch": ALL,
    "transfers.railmismatch": ALL,
    "transfers.receipt": ALL,
    "transfers.receiptlink": ALL,
    "transfers.returnclaim": ALL,
    "transfers.reversal": ALL,
    "transfers.statementformat": ALL,
    "transfers.statementimport": ALL,
    "transfers.statementitem": ALL,
    "transfers.statementline": ALL,
    "transfers.taxrate": ALL,
    "transfers.treasurymovement": ALL,
    "transfers.withdrawallink": ALL,
}
# Model -> (who adds, who changes, who deletes); None is a superuser.
EDITORS: dict[str, tuple[set[Role | None], set[Role | None], set[Role | None]]] = {
    "core.user": ({None}, {None}, set()),
    "django_celery_beat.periodictask": ({None}, {O, None}, set()),
    "fees.feescheduledraft": ({F, None}, {F, None}, set()),
}
NOBODY: tuple[set[Role | None], set[Role | None], set[Role | None]] = (set(), set(), set())
# The URL of a token's page would contain the digest of a secret; people open their own exports alone (test_exports).
WITHOUT_PAGES = {"knox.authtoken", "core.export"}


@pytest.fixture
def full_world(world: World) -> World:
    """A world in which every model but conversions has a row."""
    fill(world)
    return world


def _models() -> Iterator[tuple[str, Any]]:
    for model in admin.site._registry:
        yield model._meta.label_lower, model


def test_every_model_of_the_admin_is_in_the_table() -> None:
    assert {label for label, _ in _models()} == set(READERS)
    assert set(EDITORS) <= set(READERS)


@pytest.mark.parametrize("role", [*sorted(ALL), None], ids=lambda role: role or "superuser")
def test_each_role_opens_exactly_its_pages(
    full_world: World, enter: Enter, role: Role | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page of a refusal is shown in test_forbidden.py; of its hundreds here, the status is enough.
    monkeypatch.setattr(forbidden, "_page", lambda *_args: HttpResponseForbidden())
    client = enter(role)

    wrong = [line for label, model in _models() for line in _walked(client, role, label, model)]

    assert wrong == []


def _walked(client: Client, role: Role | None, label: str, model: Any) -> Iterator[str]:
    adds, changes, deletes = EDITORS.get(label, NOBODY)
    reads = role is None or role in READERS[label]
    pk = _some_pk(model)
    yield from _judged(client, label, "changelist", None, 200 if reads else 403)
    yield from _judged(client, label, "add", None, 200 if role in adds else 403)
    if pk is None or label in WITHOUT_PAGES:
        return
    yield from _judged(client, label, "change", pk, 200 if reads else 403)
    yield from _judged(client, label, "history", pk, 302 if reads else 403)
    yield from _judged(client, label, "delete", pk, 200 if role in deletes else 403)
    # An empty form is refused by its fields (200) where it may be sent at all.
    yield from _judged(client, label, "change", pk, 200 if role in changes else 403, data={})


def _judged(
    client: Client, label: str, page: str, pk: Any, expected: int, *, data: Any = None
) -> Iterator[str]:
    url = reverse(f"admin:{label.replace('.', '_')}_{page}", args=[] if pk is None else [pk])
    response = client.get(url) if data is None else client.post(url, data)
    if response.status_code != expected:
        yield f"{url} ({'GET' if data is None else 'POST'}): {response.status_code}, not {expected}"


def _some_pk(model: Any) -> Any:
    return model._default_manager.values_list("pk", flat=True).order_by("pk").first()


def test_every_model_but_conversions_was_walked_with_a_row(full_world: World) -> None:
    assert {label for label, model in _models() if _some_pk(model) is None} == {
        "core.export", "ledger.currencyconversion",
    }  # fmt: skip


@pytest.mark.parametrize("is_service", [True, False])
def test_anonymous_and_service_accounts_are_redirected_to_the_login(
    world: World, client: Client, is_service: bool
) -> None:
    if is_service:
        client.force_login(world.proposer.__class__.objects.create(username="program", is_service=True))

    for label, model in _models():
        name = f"admin:{label.replace('.', '_')}"
        urls = [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        pk = _some_pk(model)
        urls += [] if pk is None else [reverse(f"{name}_{page}", args=[pk]) for page in ("change", "delete")]
        for url in urls:
            response = client.get(url)
            assert (response.status_code, response.headers["Location"].partition("?")[0]) == (
                302,
                "/admin/login/",
            )


def test_no_list_deletes_or_edits_in_place() -> None:
    for model, model_admin in admin.site._registry.items():
        assert not model_admin.list_editable, model
        assert "delete_selected" not in (model_admin.actions or ())


def test_lists_refuse_filters_on_hidden_columns(world: World, enter: Enter) -> None:
    client = enter(None)

    for query in ("proposer__password__startswith=md5", "digest__startswith=a", "facts__contains=x"):
        assert client.get(f"/admin/core/proposal/?{query}").status_code == 400


def test_search_finds_the_exact_term_only(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)

    def found(term: str) -> int:
        return int(client.get("/admin/transfers/disbursement/", {"q": term}).context["cl"].result_count)

    assert found("cycle:demo-cycle") == 1
    assert found(str(world.paid.pk)) == 1
    assert found(world.paid.orders.get().reference) == 1
    assert [found(term) for term in ("cycle:demo", "%", "cycle:demo_cycle", "9" * 40, "' OR 1=1")] == [0] * 5


def test_every_role_opens_the_first_page(world: World, enter: Enter) -> None:
    for role in ALL:
        assert enter(role).get("/admin/").status_code == 200
