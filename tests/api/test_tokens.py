"""Tokens: whom they are issued to, how they are stored, when they end."""

from datetime import timedelta
from io import StringIO
from time import monotonic
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from knox.models import AuthToken
from rest_framework.test import APIClient

from sunusav.api import authentication
from sunusav.api.authentication import forget_tokens
from sunusav.api.errors import (
    AccountDisabled,
    AccountMissing,
    OtherRoleHeld,
    RoleNeedsPerson,
    ServiceIsNotPerson,
)
from sunusav.api.tokens import issue_token, revoke_tokens
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.users import make_user, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.views")]

ACTOR = Actor.system("test")
ECHO = "/monetization/echo"


def _issue(name: str, role: Role, **options: Any) -> str:
    return issue_token(name=name, role=role, actor=ACTOR, now=clock.now(), **options)


def _get(token: str) -> int:
    return int(APIClient().get(ECHO, HTTP_AUTHORIZATION=f"Token {token}").status_code)


def _wait_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    later = monotonic() + authentication.CACHE_SECONDS + 0.001
    monkeypatch.setattr("sunusav.api.authentication.monotonic", lambda: later)


def test_issue_creates_the_service_in_its_role_with_a_valid_token() -> None:
    token = _issue("tower", Role.OPERATOR)
    user = User.objects.get(username="tower")
    assert (user.is_service, user.is_staff, user.has_usable_password()) == (True, False, False)
    assert [group.name for group in user.groups.all()] == ["operator"]
    assert _get(token) == 200


def test_token_is_stored_as_a_digest_and_not_logged() -> None:
    token = _issue("tower", Role.OPERATOR)
    stored = AuthToken.objects.get()
    assert token not in repr(vars(stored))
    entry = TrailEntry.objects.get(action="issue_token")
    assert entry.subject == "user:tower"
    assert entry.facts["role"] == "operator"
    assert token[:8] not in repr(entry.facts)


@pytest.mark.parametrize(("options", "days"), [({}, 365), ({"days": 7}, 7), ({"creates_person": True}, 90)])
def test_token_expires(options: dict[str, Any], days: int) -> None:
    _issue("tower", Role.OPERATOR, **options)
    lifetime = AuthToken.objects.get().expiry - clock.now()
    assert round(lifetime / timedelta(days=1)) == days


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER])
def test_personal_role_is_refused_to_a_service(role: Role) -> None:
    with pytest.raises(RoleNeedsPerson):
        _issue("robot", role)
    assert not User.objects.exists()
    make_user(username="robot", is_service=True)
    with pytest.raises(RoleNeedsPerson):
        _issue("robot", role)
    assert not AuthToken.objects.exists()


def test_personal_role_is_given_to_a_new_or_existing_person() -> None:
    _issue("awa", Role.FINANCE, creates_person=True)
    person = User.objects.get(username="awa")
    assert (person.is_service, person.is_staff) == (False, True)
    _issue("awa", Role.FINANCE)
    assert AuthToken.objects.filter(user=person).count() == 2


def test_account_with_another_role_is_refused() -> None:
    _issue("awa", Role.FINANCE, creates_person=True)
    with pytest.raises(OtherRoleHeld):
        _issue("awa", Role.APPROVER)


def test_service_does_not_become_a_person() -> None:
    _issue("tower", Role.OPERATOR)
    with pytest.raises(ServiceIsNotPerson):
        _issue("tower", Role.OPERATOR, creates_person=True)


def test_disabled_account_gets_no_token() -> None:
    make_user(Role.OPERATOR, username="tower", is_active=False)
    with pytest.raises(AccountDisabled):
        _issue("tower", Role.OPERATOR)


def test_revoked_token_fails_at_once_in_this_process() -> None:
    token = _issue("tower", Role.OPERATOR)
    assert _get(token) == 200
    assert revoke_tokens(name="tower", actor=ACTOR, now=clock.now()) == 1
    assert _get(token) == 401
    assert TrailEntry.objects.get(action="revoke_tokens").facts == {"tokens": 1}


def test_revoking_an_account_that_is_missing_is_refused() -> None:
    with pytest.raises(AccountMissing):
        revoke_tokens(name="nobody", actor=ACTOR, now=clock.now())


def test_token_revoked_in_another_process_fails_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    token = _issue("tower", Role.OPERATOR)
    assert _get(token) == 200
    AuthToken.objects.all().delete()
    assert _get(token) == 200
    _wait_a_second(monkeypatch)
    assert _get(token) == 401


def test_account_disabled_or_demoted_is_refused_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    token = _issue("tower", Role.OPERATOR)
    assert _get(token) == 200
    user = User.objects.get(username="tower")
    user.groups.clear()
    _wait_a_second(monkeypatch)
    assert _get(token) == 403
    User.objects.update(is_active=False)
    forget_tokens()
    assert _get(token) == 401


def test_cached_token_expires_at_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    token = _issue("tower", Role.OPERATOR)
    assert _get(token) == 200
    expiry = AuthToken.objects.get().expiry
    monkeypatch.setattr("django.utils.timezone.now", lambda: expiry)
    assert _get(token) == 401


@pytest.mark.usefixtures("caches_outlast_the_test")
def test_request_with_a_cached_token_makes_no_query(django_assert_num_queries: Any) -> None:
    token = _issue("tower", Role.OPERATOR)
    assert _get(token) == 200
    with django_assert_num_queries(0):
        assert _get(token) == 200


def test_token_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "CACHE_SIZE", 3)
    for _ in range(7):
        assert _get(token_of(make_user(Role.OPERATOR))) == 200
    assert len(authentication._cache) <= 3


def test_database_dump_holds_no_token() -> None:
    token = _issue("tower", Role.OPERATOR)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert token not in repr(cursor.fetchall()), table


# Commands


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_issue_token_prints_only_the_token() -> None:
    printed = _run("issue_token", "tower", "--role", "operator")
    assert printed == printed.strip() + "\n"
    assert _get(printed.strip()) == 200


def test_issue_token_refuses_what_the_service_refuses() -> None:
    with pytest.raises(CommandError, match="role-needs-person"):
        _run("issue_token", "robot", "--role", "finance")
    with pytest.raises(CommandError, match="invalid choice"):
        _run("issue_token", "robot", "--role", "king")
    with pytest.raises(CommandError, match="days"):
        _run("issue_token", "robot", "--role", "operator", "--days", "0")
    with pytest.raises(CommandError, match="username"):
        _run("issue_token", "a b", "--role", "operator")
    assert not User.objects.exists()


def test_issue_token_with_person_creates_a_person() -> None:
    _run("issue_token", "awa", "--role", "finance", "--person")
    assert not User.objects.get(username="awa").is_service


def test_revoke_token_revokes_all_of_the_account() -> None:
    token = _run("issue_token", "tower", "--role", "operator").strip()
    _run("issue_token", "tower", "--role", "operator")
    assert _run("revoke_token", "tower") == "2 tokens revoked\n"
    assert _get(token) == 401
    with pytest.raises(CommandError, match="account-missing"):
        _run("revoke_token", "nobody")
