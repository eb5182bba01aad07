"""Actions are confirmed, then make one service call per row and report each refusal by its code."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from sunusav.core.models import Proposal, Switch, TrailEntry
from sunusav.core.roles import Role
from sunusav.core.switches import outgoing, pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import ACTOR, NOW
from transfers.enums import DisbursementState
from transfers.models import Attempt, Disbursement

RETRY = "/admin/transfers/disbursement/actions/retry/"
CANCEL = "/admin/transfers/disbursement/actions/cancel/"
PAUSE = "/admin/core/switch/actions/pause/"
RESUME = "/admin/core/switch/actions/propose-resume/"


def _messages(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def _state(row: Disbursement) -> str:
    return str(Disbursement.objects.values_list("state", flat=True).get(pk=row.pk))


def test_confirmation_of_cancelling_shows_the_row_and_changes_nothing(world: World, enter: Enter) -> None:
    before = TrailEntry.objects.count()

    response = enter(Role.FINANCE).get(CANCEL, {"pk": world.failed.pk})

    page = response.content.decode()
    assert response.status_code == 200
    assert "cycle:cycle-failed" in page
    assert "30\u202f000\u00a0sats" in page
    assert 'name="reason"' in page
    assert (_state(world.failed), TrailEntry.objects.count()) == (DisbursementState.FAILED, before)


def test_confirmed_cancel_calls_the_service_with_person_and_reason(world: World, enter: Enter) -> None:
    response = enter(Role.FINANCE).post(
        CANCEL, {"pk": world.failed.pk, "reason": "winner gave another invoice"}
    )

    line = TrailEntry.objects.get(subject=f"disbursement:{world.failed.pk}", action="cancel")
    assert response.status_code == 302
    assert _state(world.failed) == DisbursementState.CANCELLED
    assert (line.actor_label, line.reason) == ("a-finance", "winner gave another invoice")
    assert _messages(response) == [f"#{world.failed.pk} cycle cycle-failed, 30\u202f000\u00a0sats: cancelled"]


def test_cancel_without_a_reason_asks_again(world: World, enter: Enter) -> None:
    response = enter(Role.FINANCE).post(CANCEL, {"pk": world.failed.pk, "reason": "  "})

    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"reason"}
    assert _state(world.failed) == DisbursementState.FAILED


def test_cancel_sent_twice_is_refused_the_second_time_and_changes_nothing(world: World, enter: Enter) -> None:
    client, sent = enter(Role.FINANCE), {"pk": world.failed.pk, "reason": "twice"}
    client.post(CANCEL, sent)
    before = TrailEntry.objects.count()

    response = client.post(CANCEL, sent)

    assert "[disbursement-not-cancellable]" in _messages(response)[-1]
    assert (_state(world.failed), TrailEntry.objects.count()) == (DisbursementState.CANCELLED, before)


def test_paid_payment_is_neither_offered_nor_cancelled(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    page = client.get(f"/admin/transfers/disbursement/{world.paid.pk}/change/").content.decode()
    response = client.post(CANCEL, {"pk": world.paid.pk, "reason": "why not"})

    assert "actions/cancel" not in page
    assert "actions/retry" not in page
    assert "cannot be cancelled: it is closed" in _messages(response)[-1]
    assert _state(world.paid) == DisbursementState.COMPLETED


def test_refusal_of_one_row_does_not_affect_the_others(world: World, enter: Enter) -> None:
    response = enter(Role.FINANCE).post(
        CANCEL, {"pk": [world.paid.pk, world.failed.pk], "reason": "clean up"}
    )

    page = response.content.decode()
    assert (response.status_code, _messages(response)) == (200, [])
    assert "Done: 1 of 2." in page
    assert "cannot be cancelled: it is closed" in page
    for row in (world.paid, world.failed):
        assert f'href="/admin/transfers/disbursement/{row.pk}/change/"' in page
    assert (_state(world.paid), _state(world.failed)) == (
        DisbursementState.COMPLETED,
        DisbursementState.CANCELLED,
    )


def test_retry_continues_the_same_disbursement(world: World, enter: Enter) -> None:
    response = enter(Role.FINANCE).post(RETRY, {"pk": world.failed.pk, "reason": "winner asked"})

    assert _messages(response)[-1].endswith("will be tried again")
    assert _state(world.failed) == DisbursementState.PROCESSING


def test_retry_while_paused_is_refused_by_name(world: World, enter: Enter) -> None:
    pause_outgoing(actor=ACTOR, reason="node looks odd", now=NOW)

    response = enter(Role.FINANCE).post(RETRY, {"pk": world.failed.pk, "reason": "again"})

    assert "Outgoing money is paused (node looks odd)." in _messages(response)[-1]
    assert "[outgoing-paused]" in _messages(response)[-1]
    assert _state(world.failed) == DisbursementState.FAILED


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
@pytest.mark.parametrize("url", [RETRY, CANCEL])
def test_other_roles_may_neither_open_nor_confirm(world: World, enter: Enter, role: Role, url: str) -> None:
    client = enter(role)

    asked = client.get(url, {"pk": world.failed.pk})
    confirmed = client.post(url, {"pk": world.failed.pk, "reason": "because"})

    assert (asked.status_code, confirmed.status_code) == (403, 403)
    assert _state(world.failed) == DisbursementState.FAILED


def test_choosing_rows_in_a_list_leads_to_the_confirmation(world: World, enter: Enter) -> None:
    rows = [world.paid.pk, world.failed.pk]
    response = enter(Role.FINANCE).post(
        "/admin/transfers/disbursement/", {"action": "cancel", "_selected_action": rows}
    )

    assert response.status_code == 302
    assert response.headers["Location"] == f"{CANCEL}?pk={rows[1]}&pk={rows[0]}"
    assert _state(world.failed) == DisbursementState.FAILED


@pytest.mark.parametrize(("pk", "status"), [("", 404), ("x", 404), ("-1", 302), ("9" * 30, 404)])
def test_action_on_unknown_keys_changes_nothing(world: World, enter: Enter, pk: str, status: int) -> None:
    response = enter(Role.FINANCE).post(CANCEL, {"pk": pk, "reason": "x"})

    assert response.status_code == status
    assert _state(world.failed) == DisbursementState.FAILED


def test_unknown_action_is_not_found(world: World, enter: Enter) -> None:
    assert enter(None).get("/admin/transfers/disbursement/actions/delete/?pk=1").status_code == 404


def test_forms_without_a_csrf_token_are_refused(world: World, enter: Enter) -> None:
    client = Client(headers={"accept-language": "en"}, enforce_csrf_checks=True)
    client.force_login(person("a-finance", Role.FINANCE))

    for url in (CANCEL, RETRY, PAUSE, "/admin/language/", "/admin/transfers/disbursement/"):
        assert client.post(url, {"pk": world.failed.pk, "reason": "x"}).status_code == 403
    assert _state(world.failed) == DisbursementState.FAILED
    assert outgoing().is_open


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.OPERATOR])
def test_pausing_takes_effect_at_once_and_records_who_and_why(world: World, enter: Enter, role: Role) -> None:
    client = enter(role)
    assert client.get(PAUSE).status_code == 200
    assert outgoing().is_open

    client.post(PAUSE, {"reason": "node looks odd"})

    switch = Switch.objects.get(pk="outgoing")
    assert (switch.is_open, switch.reason, switch.changed_by) == (False, "node looks odd", f"a-{role.value}")


def test_auditor_cannot_pause(world: World, enter: Enter) -> None:
    assert enter(Role.AUDITOR).post(PAUSE, {"reason": "x"}).status_code == 403
    assert outgoing().is_open


def test_resuming_is_proposed_by_one_and_approved_by_another(world: World, enter: Enter) -> None:
    pause_outgoing(actor=ACTOR, reason="node looks odd", now=NOW)

    enter(Role.OPERATOR).post(RESUME, {"reason": "node is healthy"})

    proposal = Proposal.objects.get(kind="outgoing_resume")
    assert not outgoing().is_open
    enter(Role.APPROVER).post(
        "/admin/core/proposal/actions/approve/", {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    )
    assert outgoing().is_open


def test_resuming_while_not_paused_is_refused(world: World, enter: Enter) -> None:
    response = enter(Role.OPERATOR).post(RESUME, {"reason": "x"})

    assert "[outgoing-not-paused]" in _messages(response)[-1]


def test_cycle_page_retries_its_payout_through_the_payouts_service(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    page = client.get("/admin/payouts/cycle/cycle-failed/change/").content.decode()
    assert "actions/retry-payout" in page

    response = client.post(
        "/admin/payouts/cycle/actions/retry-payout/", {"pk": "cycle-failed", "reason": "winner asked"}
    )

    assert _messages(response)[-1].endswith("will be tried again")
    assert _state(world.failed) == DisbursementState.PROCESSING
    assert Attempt.objects.filter(disbursement=world.failed).count() == 1
