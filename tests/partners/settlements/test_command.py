"""`manage.py settle_partners`, and the task of the schedule: safe to run twice, and they pay nobody."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from partners.models import Settlement
from partners.settlements.errors import SettlementPartnerUnknown
from partners.settlements.queries import settlement
from partners.settlements.services.batches import propose_due
from partners.tasks import propose_settlements_task
from sunusav.core import approvals, clock
from sunusav.core.approvals import NotAllowedToDecide
from sunusav.core.models import Proposal, User
from sunusav.core.schedules import sync_schedules
from sunusav.core.service_accounts import SCHEDULER
from tests.factories.settlements import IN_OCTOBER, accrue, closed, rate_of, seen_of, worked_example
from tests.transfers.unchanged import unchanged
from transfers.models import Disbursement

pytestmark = pytest.mark.django_db

IN_DECEMBER = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_december(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: IN_DECEMBER)


@pytest.fixture(autouse=True)
def accruals(db: None) -> None:
    """Wave's months of October and November are over, and Orange's November."""
    rate_of("8000000")
    worked_example()
    accrue(100_000, at=IN_OCTOBER + timedelta(days=20))
    accrue(100_000, at=IN_OCTOBER + timedelta(days=20), partner="orange")


def run(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code of the command, and what it printed on both outputs."""
    out, err = StringIO(), StringIO()
    try:
        call_command("settle_partners", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def stored() -> list[tuple[str, int, int]]:
    rows = Settlement.objects.order_by("partner", "sequence")
    return [(row.partner, row.period_start.month, row.due_xof) for row in rows]


def test_command_closes_every_month_that_is_over_and_pays_nobody() -> None:
    code, out, _ = run()

    # 300 sats are 24 francs; Wave's 0.92 are carried.
    assert (code, stored()) == (0, [("orange", 11, 24), ("wave", 10, 247), ("wave", 11, 24)])
    assert "wave 2026-10: settlement" in out
    assert not Disbursement.objects.exists()
    assert set(Proposal.objects.values_list("proposer__username", flat=True)) == {SCHEDULER}


def test_command_run_twice_gives_one_settlement_per_month() -> None:
    run()
    with unchanged():
        assert run()[0] == 0


def test_command_takes_one_partner_up_to_one_month() -> None:
    assert run("--partner", "wave", "--month", "2026-10")[0] == 0
    assert stored() == [("wave", 10, 247)]


def test_command_goes_on_after_it_was_stopped() -> None:
    next(propose_due(partner="wave", now=IN_DECEMBER))
    assert stored() == [("wave", 10, 247)]
    run()
    assert len(stored()) == 3


def test_dry_run_shows_what_is_due_and_stores_nothing() -> None:
    with unchanged():
        code, out, _ = run("--dry-run")
    assert code == 0
    for figure in ("2026-10", "247.92", "247", "0.92", "3099", "24.00"):
        assert figure in out, figure


def test_command_names_a_refused_partner_and_goes_on_with_the_others() -> None:
    code, _, err = run("--partner", "nobody", "--partner", "orange", "--again", "they agree")
    assert code == 1
    assert "nobody" in err


def test_command_proposes_a_rejected_month_again(approver: User) -> None:
    row = closed(now=IN_DECEMBER)
    proposal_id, _ = seen_of(row)
    approvals.reject(proposal_id=proposal_id, approver=approver, reason="not yet", now=IN_DECEMBER)

    assert run("--partner", "wave", "--month", "2026-10")[0] == 0
    assert settlement(row.pk).status == "rejected", "only when it is asked for"
    assert run("--partner", "wave", "--month", "2026-10", "--again", "they agree")[0] == 0
    assert settlement(row.pk).status == "pending"


@pytest.mark.parametrize("month", ["2026-13", "26-10", "october"])
def test_month_is_written_in_full(month: str) -> None:
    with pytest.raises(Exception, match="a month such as 2026-10"):
        call_command("settle_partners", "--month", month)


def test_task_of_the_schedule_proposes_in_the_name_of_the_scheduler() -> None:
    assert propose_settlements_task("wave") == 2
    assert propose_settlements_task("wave") == 0
    scheduler = User.objects.get(username=SCHEDULER)
    assert (scheduler.is_service, scheduler.has_usable_password()) == (True, False)


def test_task_for_a_person_needs_their_right(finance: User, approver: User) -> None:
    with pytest.raises(NotAllowedToDecide):
        propose_settlements_task("wave", approver.username)
    assert propose_settlements_task("wave", finance.username) == 2
    assert set(Proposal.objects.values_list("proposer__username", flat=True)) == {"fatou"}


def test_partner_outside_the_directory_is_refused() -> None:
    accrue(100_000, at=IN_OCTOBER, partner="gone")
    with pytest.raises(SettlementPartnerUnknown):
        list(propose_due(partner="gone", now=IN_DECEMBER))


def test_schedules_are_those_of_the_first_of_the_month() -> None:
    sync_schedules()
    rows = PeriodicTask.objects.filter(task="partners.propose_settlements").order_by("pk")
    assert [
        (row.args, row.crontab.day_of_month, row.crontab.hour, row.crontab.minute, row.queue) for row in rows
    ] == [
        ('["wave"]', "1", "3", "0", "settlements"),
        ('["orange"]', "1", "3", "30", "settlements"),
        ('["mtn"]', "1", "3", "45", "settlements"),
    ]
