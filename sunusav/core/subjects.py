"""Subjects: how an app names a row of another one, in the form `<kind>:<key>`, such as `cycle:demo-cycle`.

Each kind of subject belongs to one app, which lists it in `SUBJECT_KINDS` of its `subjects.py`. Lower apps store
subjects without knowing the kinds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sunusav.core.app_modules import collect
from sunusav.core.errors import Invalid

SEPARATOR = ":"


@dataclass(frozen=True)
class SubjectKind:
    """A kind of subject: how to find out whether one exists, and what people call it.

    `exists` takes a key and may query the database. `label` is lazily translated and names the key as `%(key)s`.
    `page` is the model whose page in the back office shows the subject under its key.
    """

    kind: str
    exists: Callable[[str], bool]
    label: Any
    page: str = ""


class SubjectKindUnknown(Invalid):
    """No app has subjects of this kind."""

    subject: str
    known_kinds: list[str]


class SubjectMissing(Invalid):
    """The kind is known, but no subject has exactly this key."""

    subject: str


def kind_name(subject: str) -> str:
    """Return the kind in a subject, known or not."""
    return subject.partition(SEPARATOR)[0]


def key_of(subject: str) -> str:
    """Return the key in a subject; it may contain colons itself."""
    return subject.partition(SEPARATOR)[2]


def known_kinds() -> dict[str, SubjectKind]:
    """Return the kinds of all apps by name. Raises: ValueError when two apps list the same kind."""
    listed: list[SubjectKind] = collect("subjects", "SUBJECT_KINDS")
    kinds = {kind.kind: kind for kind in listed}
    if len(kinds) < len(listed):
        names = [kind.kind for kind in listed]
        raise ValueError(f"listed twice: {sorted(name for name in kinds if names.count(name) > 1)}")
    return kinds


def kind_of(subject: str) -> SubjectKind:
    """Return the kind of a subject. Raises: SubjectKindUnknown."""
    kinds = known_kinds()
    if kind_name(subject) not in kinds:
        raise SubjectKindUnknown(subject=subject, known_kinds=sorted(kinds))
    return kinds[kind_name(subject)]


def require_subject(subject: str) -> None:
    """Refuse a subject that does not exist. It locks nothing.

    Raises: SubjectKindUnknown, SubjectMissing.
    """
    if not kind_of(subject).exists(key_of(subject)):
        raise SubjectMissing(subject=subject)


def label(subject: str) -> str:
    """Return what people call a subject; one of an unknown kind is returned as it is.

    A key may be a subject itself, such as that of the discount of a group: it is called as people call that.
    """
    kind, key = known_kinds().get(kind_name(subject)), key_of(subject)
    return str(kind.label) % {"key": label(key) if SEPARATOR in key else key} if kind else subject


def kind_of_rows(kind: str, *, model: str, label: Any) -> SubjectKind:
    """Return a kind whose subjects are the rows of a model, named and shown by their primary key."""
    return SubjectKind(kind, exists=partial(row_exists, model), label=label, page=model)


def row_exists(model: str, key: str, *, field: str = "pk") -> bool:
    """Return whether a row of the model has exactly this key: `07` is not the key of row 7."""
    try:
        found = apps.get_model(model)._default_manager.filter(**{field: key}).values_list(field, flat=True)
        return any(str(value) == key for value in found[:1])
    except (ValueError, ValidationError):  # the field cannot hold such a value
        return False


SUBJECT_KINDS = [
    SubjectKind("user", exists=partial(row_exists, "core.user", field="username"), label=_("user %(key)s")),
    kind_of_rows("switch", model="core.switch", label=_("switch %(key)s")),
    kind_of_rows("export", model="core.export", label=_("export %(key)s")),
]
