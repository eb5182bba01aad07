"""The same client, path, key and body have one effect and one answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from knox.models import AuthToken
from rest_framework.test import APIClient

from sunusav.api.authentication import forget_tokens
from sunusav.api.idempotency import Call, answer_once, clean_up_keys
from sunusav.api.models import IdempotencyKey, KeyState
from sunusav.core import clock
from sunusav.core.models import Switch, User
from sunusav.core.roles import Role
from tests.factories.users import client_of, make_user, token_of
from tests.support.locks import wait_until_blocked

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.views")]

COUNTING = "/monetization/counting"
RAISING = "/monetization/raising"


@pytest.fixture
def user() -> User:
    return make_user(Role.OPERATOR)


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


def _post(client: APIClient, body: Any, *, key: str = "k-1", path: str = COUNTING) -> Any:
    return client.post(path, body, HTTP_IDEMPOTENCY_KEY=key)


def test_same_key_and_body_replays_the_answer_byte_for_byte(client: APIClient) -> None:
    first = _post(client, {"name": "a", "amount": 1})
    again = _post(client, {"amount": 1, "name": "a"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content == b'{"switches":1}'
    assert (again["Location"], again["Content-Type"]) == (first["Location"], first["Content-Type"])
    assert again["Idempotent-Replayed"] == "true"
    assert again["Cache-Control"] == "no-store"
    assert not first.has_header("Idempotent-Replayed")
    assert Switch.objects.count() == 1


def test_call_without_key_runs_each_time(client: APIClient) -> None:
    assert [client.post(COUNTING, {"name": "a"}).json()["switches"] for _ in range(2)] == [1, 2]
    assert IdempotencyKey.objects.count() == 0


def test_key_with_another_body_is_refused(client: APIClient) -> None:
    _post(client, {"name": "a"})
    refused = _post(client, {"name": "b"})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert refused.json()["idempotency_key"] == "k-1"
    assert Switch.objects.count() == 1


def test_key_with_another_query_string_is_refused(client: APIClient) -> None:
    _post(client, {"name": "a"})
    assert _post(client, {"name": "a"}, path=f"{COUNTING}?x=1").status_code == 422


def test_key_belongs_to_its_client_and_path(client: APIClient) -> None:
    other = client_of(make_user(Role.OPERATOR))
    assert _post(client, {"name": "a"}).json() == {"switches": 1}
    assert _post(other, {"name": "a"}).json() == {"switches": 2}
    assert _post(client, {"name": "a"}, path="/monetization/echo").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_key_that_is_not_acceptable_is_refused(client: APIClient, key: str) -> None:
    refused = _post(client, {}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid-request")
    assert Switch.objects.count() == 0


@pytest.mark.parametrize(
    ("what", "status"), [("conflict", 409), ("missing", 404), ("invalid", 422), ("bug", 500)]
)
def test_refusal_that_was_executed_is_replayed(client: APIClient, what: str, status: int) -> None:
    client.raise_request_exception = False
    first = _post(client, {}, path=f"{RAISING}/{what}")
    again = _post(client, {}, path=f"{RAISING}/{what}")
    assert first.status_code == again.status_code == status
    assert first.content == again.content
    assert again["Content-Type"] == "application/problem+json"
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("what", "status"), [("unavailable", 503), ("database", 503), ("forbidden", 403)])
def test_rejected_or_unavailable_answer_is_not_stored(client: APIClient, what: str, status: int) -> None:
    for _ in range(2):
        answer = _post(client, {}, path=f"{RAISING}/{what}")
        assert answer.status_code == status
        assert not answer.has_header("Idempotent-Replayed")


def test_key_of_a_rejected_body_is_accepted_with_a_corrected_one(client: APIClient) -> None:
    assert _post(client, {"amount": "1"}).status_code == 400
    assert _post(client, {"amount": 1}).json() == {"switches": 1}
    assert _post(client, {"amount": 1})["Idempotent-Replayed"] == "true"


def test_unreadable_body_leaves_no_key(client: APIClient) -> None:
    client.post(COUNTING, b"{", content_type="application/json", HTTP_IDEMPOTENCY_KEY="k-1")
    assert IdempotencyKey.objects.count() == 0


def test_permissions_are_checked_again_before_a_replay(client: APIClient, user: User) -> None:
    _post(client, {"name": "a"})
    user.groups.clear()
    forget_tokens()
    assert _post(client, {"name": "a"}).status_code == 403
    AuthToken.objects.filter(user=user).delete()
    forget_tokens()
    assert _post(client, {"name": "a"}).status_code == 401


def test_second_request_while_the_first_runs_is_refused(client: APIClient) -> None:
    _post(client, {"name": "a"})
    _become_running(leased_before=timedelta(seconds=30))
    refused = _post(client, {"name": "a"})
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency-key-in-use")
    assert Switch.objects.count() == 1


def test_killed_request_is_taken_over_by_the_same_key_and_body(client: APIClient) -> None:
    _post(client, {"name": "a"})
    _become_running(leased_before=timedelta(seconds=61))
    assert _post(client, {"name": "b"}).status_code == 422
    assert _post(client, {"name": "a"}).json() == {"switches": 2}
    assert _post(client, {"name": "a"})["Idempotent-Replayed"] == "true"


def test_answer_of_a_request_whose_lease_was_taken_over_is_not_stored(client: APIClient) -> None:
    call = Call(client_id=User.objects.get().pk, method="POST", path="/x", key="k", fingerprint="f" * 64)

    def lose_the_lease() -> Any:
        IdempotencyKey.objects.update(lease="somebody-else")
        return client.get("/health")

    answer_once(call, lose_the_lease, now=clock.now())
    assert IdempotencyKey.objects.get().state == KeyState.RUNNING


def test_stored_answer_and_body_are_not_readable_in_the_table(client: APIClient) -> None:
    _post(client, {"name": "Awa-Diop"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_idempotencykey")
        row = repr(cursor.fetchall())
    assert "Awa" not in row
    assert "switches" not in row


def test_keys_are_kept_thirty_days(client: APIClient) -> None:
    _post(client, {"name": "a"})
    now = clock.now()
    assert clean_up_keys(now=now + timedelta(days=29)) == 0
    assert clean_up_keys(now=now + timedelta(days=30, seconds=1)) == 1
    assert _post(client, {"name": "b"}).json() == {"switches": 2}


def _become_running(*, leased_before: timedelta) -> None:
    """Make the only key look as if its request had been killed or were still running."""
    IdempotencyKey.objects.update(
        state=KeyState.RUNNING, status=None, sealed_content=None, leased_at=clock.now() - leased_before
    )


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ran_before", [False, True], ids=["new key", "released key"])
def test_sixteen_equal_requests_at_once_execute_once(ran_before: bool) -> None:
    token = token_of(make_user(Role.OPERATOR))
    for round_number in range(5):
        key = f"k-{round_number}"
        if ran_before:
            assert _once(token, key, {"amount": "refused"})[0] == 400
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _, key=key: _once(token, key, {"name": "a"}), range(16)))
        executed = [answer for answer in answers if answer[0] == 201]
        meanwhile = [answer for answer in answers if answer not in executed]
        assert len({content for _, content in executed}) == 1
        assert [status for status, _ in meanwhile] == [409] * len(meanwhile)
        assert Switch.objects.count() == round_number + 1


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_killed_request_is_taken_over_by_one_of_two_callers_at_once() -> None:
    """Both have read the expired lease before either writes."""
    token = token_of(make_user(Role.OPERATOR))
    assert _once(token, "k-1", {"name": "a"})[0] == 201
    _become_running(leased_before=timedelta(seconds=61))
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            IdempotencyKey.objects.select_for_update().get(pk=IdempotencyKey.objects.get().pk)
            callers = [pool.submit(_once, token, "k-1", {"name": "a"}) for _ in range(2)]
            wait_until_blocked(connection, count=2)
        statuses = sorted(caller.result(60)[0] for caller in callers)

    assert statuses == [201, 409]
    assert Switch.objects.count() == 2, "the killed request had executed once"


def _once(token: str, key: str, body: Any) -> tuple[int, bytes]:
    try:
        client = APIClient(HTTP_AUTHORIZATION=f"Token {token}")
        answer = _post(client, body, key=key)
        return answer.status_code, answer.content
    finally:
        connections.close_all()
