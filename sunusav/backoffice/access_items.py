"""Inbox items about access: codes that were wrong after the right password."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import moment
from sunusav.backoffice.inbox import ALARM, ROWS_SHOWN, InboxItem, NextStep, Notice, Row, Waiting
from sunusav.backoffice.money import show_number
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.phrasing import labelled
from sunusav.core.roles import Role
from sunusav.core.wrong_codes import WrongCodesReport, reports_of_wrong_codes

IF_NOT_YOU = _("Somebody who gave them knows your password. If it was not you, change it.")
ASK_THEM = _(
    "Somebody who gave them knows the password. Ask its owner; if it was not them, it has to be changed."
)


def _own(user: User, now: datetime) -> Notice | None:
    """Report to a person the wrong codes that were given after their own password."""
    found = reports_of_wrong_codes(now=now, user=user)
    if not found:
        return None
    page = reverse("admin:password_change")
    rows = [
        Row(_said(one), page, one.at, why=IF_NOT_YOU, step=NextStep(_("Change my password"), page))
        for one in found
    ]
    return _notice(_("Wrong codes after your password"), reverse("admin:security"), found, rows)


def _of_others(user: User, now: datetime) -> Notice | None:
    """Report the wrong codes after other people's passwords to those who may see accounts."""
    found = [one for one in reports_of_wrong_codes(now=now) if one.user.pk != user.pk]
    if not found:
        return None
    rows = [_of_person(one) for one in found[:ROWS_SHOWN]]
    return _notice(
        _("Wrong codes after the right password"), reverse("admin:core_user_changelist"), found, rows
    )


def _of_person(one: WrongCodesReport) -> Row:
    page = page_of("core.user", one.user.pk)
    title = labelled(one.user.get_username(), _said(one))
    return Row(title, page, one.at, why=ASK_THEM, step=NextStep(_("Open"), page))


def _notice(title: Any, url: str, found: Sequence[WrongCodesReport], rows: Sequence[Row]) -> Notice:
    return Notice(title, "", url, ALARM, Waiting(len(found), since=min(one.at for one in found)), rows)


def _said(one: WrongCodesReport) -> str:
    facts = {"count": show_number(one.wrong_codes), "at": moment(one.at), "address": one.address or "?"}
    return gettext("%(count)s wrong codes, on %(at)s, from %(address)s") % facts


INBOX = [
    InboxItem("", _own),
    InboxItem("core.view_user", _of_others, [Role.OPERATOR]),
]
