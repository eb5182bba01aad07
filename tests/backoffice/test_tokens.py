from django.contrib.messages import get_messages
from knox.models import AuthToken

from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World

LIST = "/admin/knox/authtoken/"
REVOKE = f"{LIST}actions/revoke/"


def _key(token: AuthToken) -> str:
    return f"{token.user_id}-{token.token_key}"


def test_digest_appears_on_no_page_and_in_no_url(world: World, enter: Enter) -> None:
    client, token = enter(Role.OPERATOR), AuthToken.objects.get()

    pages = [client.get(LIST).content.decode(), client.get(REVOKE, {"pk": _key(token)}).content.decode()]

    assert all(token.token_key in page for page in pages)
    assert not any(token.digest in page for page in pages)
    assert client.get(f"{LIST}{token.digest}/change/").status_code == 302  # no such page: back to the start


def test_operator_revokes_after_confirming_and_the_trail_records_it(world: World, enter: Enter) -> None:
    client, token = enter(Role.OPERATOR), AuthToken.objects.get()
    client.get(REVOKE, {"pk": _key(token)})
    assert AuthToken.objects.count() == 1

    client.post(REVOKE, {"pk": _key(token)})

    line = TrailEntry.objects.get(action="revoke_token")
    assert AuthToken.objects.count() == 0
    assert (line.subject, line.actor_label) == (f"user:{token.user.username}", "a-operator")
    assert token.digest not in str(line.facts)


def test_revoking_twice_reports_nothing_chosen(world: World, enter: Enter) -> None:
    client, token = enter(Role.OPERATOR), AuthToken.objects.get()
    client.post(REVOKE, {"pk": _key(token)})

    response = client.post(REVOKE, {"pk": _key(token)})

    assert str(list(get_messages(response.wsgi_request))[-1]) == "Nothing was chosen."
    assert TrailEntry.objects.filter(action="revoke_token").count() == 1


def test_auditor_sees_tokens_but_cannot_revoke(world: World, enter: Enter) -> None:
    client, token = enter(Role.AUDITOR), AuthToken.objects.get()

    assert "actions/revoke" not in client.get(LIST).content.decode()
    assert client.post(REVOKE, {"pk": _key(token)}).status_code == 403
    assert AuthToken.objects.count() == 1
