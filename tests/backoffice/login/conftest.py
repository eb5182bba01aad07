import pytest
from django.test import Client

from sunusav.core.models import User
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.login.steps import PASSWORD, new_browser
from tests.backoffice.world import person


@pytest.fixture
def awa(db: None) -> User:
    sync_roles()
    user = person("awa", Role.APPROVER)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def browser() -> Client:
    return new_browser()
