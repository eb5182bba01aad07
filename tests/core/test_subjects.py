"""Subjects: their kinds are registered by the apps that own them; one that does not exist is refused."""

from functools import partial

import pytest
from django.utils import translation

from payouts.models import Contribution
from sunusav.core.subjects import (
    SubjectKind,
    SubjectKindUnknown,
    SubjectMissing,
    key_of,
    kind_name,
    kind_of,
    known_kinds,
    label,
    require_subject,
    row_exists,
)
from tests.factories.payouts import make_cycle
from tests.factories.users import make_user
from tests.support.subjects import made_up_subjects

KINDS = [
    "books", "collection", "contested_line", "contribution", "credit_use", "cycle", "disbursement", "discount",
    "export", "group",
    "issued_receipt", "journal", "matching_rule", "member", "rail", "rate", "refund", "return", "schedule",
    "settlement", "statement_format", "statement_import", "switch", "user", "withdrawal",
]  # fmt: skip


def _contribution() -> int:
    return Contribution.objects.filter(cycle=make_cycle()).order_by("pk")[0].pk


@pytest.mark.parametrize(
    ("subject", "kind", "key"),
    [
        ("cycle:demo", "cycle", "demo"),
        ("cycle:a:b", "cycle", "a:b"),
        ("cycle:", "cycle", ""),
        ("node", "node", ""),
    ],
)
def test_key_is_what_follows_the_first_colon(subject: str, kind: str, key: str) -> None:
    assert (kind_name(subject), key_of(subject)) == (kind, key)


def test_kinds_of_all_apps_are_known() -> None:
    assert sorted(known_kinds()) == KINDS
    assert kind_of("cycle:demo") is known_kinds()["cycle"]


def test_kind_listed_by_two_apps_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    again = SubjectKind("cycle", exists=bool, label="cycle %(key)s")
    monkeypatch.setattr("fees.subjects.SUBJECT_KINDS", [again])

    with pytest.raises(ValueError, match=r"listed twice: \['cycle'\]"):
        known_kinds()


@pytest.mark.parametrize("subject", ["", "Cycle:demo", " cycle:demo", "tree:demo", ":demo"])
def test_require_subject_of_unknown_kind_is_refused(subject: str) -> None:
    with pytest.raises(SubjectKindUnknown) as refusal:
        require_subject(subject)
    assert refusal.value.facts == {"subject": subject, "known_kinds": KINDS}


@pytest.mark.django_db
def test_require_subject_accepts_rows_of_every_app() -> None:
    cycle = make_cycle(cycle_id="demo:cycle")
    owed = cycle.contributions.first()
    assert owed is not None
    make_user(username="awa")

    for subject in (
        f"cycle:{cycle.pk}", f"group:{cycle.group_id}", f"contribution:{owed.pk}",
        "user:awa", "rail:lightning", "books:audit",
    ):  # fmt: skip
        require_subject(subject)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "demo", "Demo-Cycle", "demo-cycle ", " demo-cycle", "dem%", "x" * 500])
def test_require_subject_without_such_a_row_is_refused(key: str) -> None:
    make_cycle(cycle_id="demo-cycle")
    make_user(username="demo-cycle")

    for kind in ("cycle", "user"):
        with pytest.raises(SubjectMissing) as refusal:
            require_subject(f"{kind}:{key}")
        assert refusal.value.facts == {"subject": f"{kind}:{key}"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spelling", ["0{}", "+{}", " {}", "{} ", "{}.0", "{}_0", "-{}", "{}:", "demo", "", "9" * 40]
)
def test_number_in_another_spelling_is_no_subject(spelling: str) -> None:
    """One row has one subject: two of them could each hold a disbursement."""
    number = _contribution()

    assert row_exists("payouts.contribution", str(number))
    with pytest.raises(SubjectMissing):
        require_subject(f"contribution:{spelling.format(number)}")


@pytest.mark.django_db
def test_number_in_other_digits_is_no_subject() -> None:
    number = str(_contribution())

    with pytest.raises(SubjectMissing):
        require_subject(
            f"contribution:{number.translate({ord('0') + digit: 0x660 + digit for digit in range(10)})}"
        )


def test_label_is_in_the_language_of_the_reader() -> None:
    with translation.override("fr"):
        assert label("contribution:17") == "cotisation n° 17"
    with translation.override("en"):
        assert label("contribution:17") == "contribution 17"


@pytest.mark.parametrize("subject", ["", "node", "opening", "tree:demo"])
def test_label_of_unknown_kind_is_the_subject(subject: str) -> None:
    assert label(subject) == subject


def test_label_leaves_percent_signs_of_keys() -> None:
    assert label("cycle:100%(key)s") == "cycle 100%(key)s"


def test_made_up_subjects_exist_until_the_block_ends() -> None:
    real = known_kinds()["cycle"]

    with made_up_subjects():
        require_subject("cycle:awa")
        require_subject("contribution:1")
        with pytest.raises(SubjectMissing):
            require_subject("cycle:")

    assert known_kinds()["cycle"] is real
    assert isinstance(real.exists, partial)


def test_subject_whose_key_is_a_subject_is_called_by_what_people_call_that() -> None:
    assert label("discount:group:medina") == "discount of group medina"
