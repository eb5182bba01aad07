"""Messages to the platform are named by what each reports, not by its topic."""

from datetime import timedelta

from sunusav.backoffice.inbox import inbox_of
from sunusav.backoffice.next_steps import next_step_of
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import OutboxMessage
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW


def test_message_in_a_timeline_says_what_it_reports(world: World) -> None:
    said = [str(line.what) for line in timeline_of(["cycle:demo-cycle"]).lines]

    assert "Message to the platform: payment completed" in said


def test_undelivered_message_is_named_by_what_it_reports_and_about_what(world: World) -> None:
    found = inbox_of(person("an-operator", Role.OPERATOR), now=NOW + timedelta(hours=1))

    (notice,) = (
        one for one in found.to_do if str(one.title) == "Messages that the platform has not accepted"
    )
    assert [str(row.title) for row in notice.rows] == ["payment completed (cycle demo-cycle)"]


def test_page_and_list_of_messages_name_what_each_reports(world: World, enter: Enter) -> None:
    client, row = enter(Role.OPERATOR), OutboxMessage.objects.get()

    page = client.get(f"/admin/core/outboxmessage/{row.pk}/change/").content.decode()
    listed = client.get("/admin/core/outboxmessage/").content.decode()

    assert f"#{row.pk} payment completed (cycle demo-cycle)" in page
    assert "payment completed" in listed
    assert "disbursement.completed" not in listed


def test_message_says_why_it_waits_and_until_when(world: World) -> None:
    row, later = OutboxMessage.objects.get(), NOW + timedelta(minutes=5)
    row.last_error, row.next_try_at = "HTTP 503", later

    waits = next_step_of(row, now=NOW)
    row.delivered_at = NOW
    done = next_step_of(row, now=NOW)

    assert waits is not None
    assert (str(waits.text), waits.until) == (
        "The platform has not accepted it (HTTP 503). It is sent again by itself.", later,
    )  # fmt: skip
    assert done is not None
    assert (str(done.state), done.until) == ("delivered", None)
