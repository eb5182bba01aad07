"""Wrong codes after the right password are reported to the account's owner and to operators."""

from datetime import timedelta

from django.test import Client

from sunusav.backoffice.inbox import Inbox, Notice, inbox_of
from sunusav.core import clock
from sunusav.core.models import Reading, TrailEntry, User
from sunusav.core.roles import Role
from sunusav.core.wrong_codes import clean_up_reports, report_wrong_codes
from tests.backoffice.login.steps import enrol, give, log_in, new_browser
from tests.backoffice.world import person
from tests.factories.payouts import NOW

OWN, OF_OTHERS = "Wrong codes after your password", "Wrong codes after the right password"


def notice(found: Inbox, title: str) -> Notice | None:
    return next((one for one in (*found.to_do, *found.informed) if str(one.title) == title), None)


def guess(browser: Client, times: int) -> None:
    log_in(browser)
    for _ in range(times):
        give(browser, "000000")


def test_five_wrong_codes_are_reported_with_time_and_address(awa: User) -> None:
    enrol(awa)
    operator = person("an-operator", Role.OPERATOR)
    guess(new_browser("10.0.0.7"), 4)
    assert notice(inbox_of(awa, now=clock.now()), OWN) is None

    guess(new_browser("10.0.0.7"), 1)

    own, others = (
        notice(inbox_of(user, now=clock.now()), title) for user, title in ((awa, OWN), (operator, OF_OTHERS))
    )
    assert own is not None
    assert others is not None
    (row,), (of_awa,) = own.rows, others.rows
    assert str(row.title).startswith("5 wrong codes, on ")
    assert str(row.title).endswith(" from 10.0.0.7")
    assert row.since is not None
    assert row.step is not None
    assert row.step.url == "/admin/password_change/"
    assert str(of_awa.title) == f"awa: {row.title}"
    assert of_awa.url == f"/admin/core/user/{awa.pk}/change/"
    assert own in inbox_of(awa, now=clock.now()).to_do
    assert others in inbox_of(operator, now=clock.now()).to_do


def test_auditor_is_informed_and_finance_reads_nothing_of_others(awa: User) -> None:
    report_wrong_codes(awa, wrong_codes=5, address="10.0.0.7", now=NOW)

    auditor = inbox_of(person("an-auditor", Role.AUDITOR), now=NOW)
    assert [str(one.title) for one in auditor.informed].count(OF_OTHERS) == 1
    assert notice(inbox_of(person("a-finance", Role.FINANCE), now=NOW), OF_OTHERS) is None


def test_report_is_made_once_in_a_quarter_of_an_hour_and_kept_for_a_week(awa: User) -> None:
    def report(at: timedelta) -> bool:
        return report_wrong_codes(awa, wrong_codes=6, address="10.0.0.7", now=NOW + at)

    assert report(timedelta())
    assert not report(timedelta(minutes=14))
    assert report(timedelta(minutes=15))
    assert not report_wrong_codes(awa, wrong_codes=4, address="", now=NOW + timedelta(hours=1))

    entries = TrailEntry.objects.filter(subject="user:awa", action="give_wrong_codes")
    assert [(one.facts, one.actor_label) for one in entries] == [({"wrong_codes": 6}, "system:login")] * 2
    last = NOW + timedelta(minutes=15, days=7)
    assert notice(inbox_of(awa, now=last - timedelta(seconds=1)), OWN) is not None
    assert notice(inbox_of(awa, now=last), OWN) is None
    assert (clean_up_reports(now=last), Reading.objects.count()) == (1, 0)
