"""People are found by phone and by parts of their name, groups by parts of theirs; an erased person by nothing."""

from importlib import import_module

import pytest
from django.apps import apps

from payouts.queries.search import groups_by_name, people_by_name, people_by_phone
from payouts.services.groups import change_group, create_group
from payouts.services.members import add_member, change_member
from sunusav.core.models import LookupToken
from sunusav.core.privacy import erase
from tests.factories.payouts import ACTOR, NOW, MemberFactory, make_group

pytestmark = pytest.mark.django_db

PHONE, NEW_PHONE = "+221771234567", "+221781112233"


def join(user_id: str, name: str, phone: str = PHONE, *, group_id: str = "g-1") -> None:
    add_member(
        group_id=group_id, user_id=user_id, display_name=name, phone=phone, actor=ACTOR, now=NOW
    )  # fmt: skip


def named(text: str) -> list[str]:
    return [row.user_id for row in people_by_name(text, after="", limit=10)]


def with_phone(phone: str) -> list[str]:
    return [row.user_id for row in people_by_phone(phone, after="", limit=10)]


def groups(text: str) -> list[str]:
    return [row.pk for row in groups_by_name(text, after="", limit=10)]


@pytest.fixture(autouse=True)
def _group() -> None:
    make_group(members=0, id="g-1")


@pytest.mark.parametrize(
    "written", [PHONE, "77 123 45 67", "771234567", "00221771234567", "221 77 123 45 67", "+221 77-123-45-67"]
)
def test_phone_is_found_however_it_is_written(written: str) -> None:
    join("awa", "Awa Ndiaye")
    join("binta", "Binta Sow", NEW_PHONE)

    assert with_phone(written) == ["awa"]


def test_phone_of_another_country_is_found_with_its_country() -> None:
    join("koffi", "Koffi Kouassi", "+2250701020304")

    assert [with_phone("+225 07 01 02 03 04"), with_phone("0701020304")] == [["koffi"], []]


def test_person_is_found_once_whatever_groups_they_are_in() -> None:
    make_group(members=0, id="g-2")
    join("awa", "Awa Ndiaye")
    join("awa", "Awa Ndiaye épouse Sow", group_id="g-2")

    [row] = people_by_name("ndiaye", after="", limit=10)
    assert (row.user_id, row.group_id) == ("awa", "g-2")
    assert named("épouse") == ["awa"]


def test_new_name_and_phone_are_found_and_old_ones_no_more() -> None:
    join("awa", "Awa Ndiaye")

    change_member(user_id="awa", display_name="Awa Sow", phone=NEW_PHONE, actor=ACTOR, now=NOW)

    assert [named("sow"), named("ndiaye"), named("awa")] == [["awa"], [], ["awa"]]
    assert [with_phone(NEW_PHONE), with_phone(PHONE)] == [["awa"], []]


def test_erased_person_is_found_by_nothing() -> None:
    join("awa", "Awa Ndiaye")

    erase("member:awa", now=NOW)

    assert [named("awa"), with_phone(PHONE)] == [[], []]
    assert not LookupToken.objects.exists()


def test_group_is_found_by_words_of_its_name_and_by_the_new_one() -> None:
    create_group(group_id="g-3", name="Tontine de la Médina", country="SN", actor=ACTOR, now=NOW)
    assert [groups("medina"), groups("tont MED"), groups("fass")] == [["g-3"], ["g-3"], []]

    change_group(group_id="g-3", name="Tontine Fass", actor=ACTOR, now=NOW)

    assert [groups("medina"), groups("fass")] == [[], ["g-3"]]
    assert named("tontine") == []


def test_migration_stores_what_services_store_and_can_be_run_again() -> None:
    join("awa", "Ndèye N'Diaye-Ba")
    join("binta", "Binta Sow", "77 111 22 33")
    create_group(group_id="g-3", name="Tontine Fass", country="SN", actor=ACTOR, now=NOW)
    MemberFactory.create(user_id="moussa")
    erase("member:moussa", now=NOW)
    change_group(group_id="g-1", name="Tontine de Dakar", actor=ACTOR, now=NOW)
    stored = set(LookupToken.objects.values_list("subject", "token"))
    LookupToken.objects.filter(subject__in=["member:awa", "group:g-3"]).delete()
    migrate = import_module("payouts.migrations.0015_lookups").store_lookups

    migrate(apps, None)
    migrate(apps, None)

    subjects = ["member:awa", "member:binta", "group:g-3", "group:g-1"]
    found = LookupToken.objects.filter(subject__in=subjects).values_list("subject", "token")
    assert set(found) == stored
    assert not LookupToken.objects.filter(subject="member:moussa").exists()
