"""Sentences that the engine wrote in plain English with a number or a moment in them, in the reader's language.

They are stored as they were written; here each is recognised and said anew. What is not recognised is shown as it is.
"""

import re

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.money import show_sats

SENTENCES = [
    (
        r"it is above the limit of (?P<sats>\d+) sats for one payout; a second person can except it",
        _("above the limit of %(sats)s for one payout; a second person can except it"),
    ),
    (
        r"its destination became another payee's after the cycle was ready; it goes at (?P<at>\S+)",
        _("its destination became another payee's after the cycle was ready; it goes on %(at)s"),
    ),
    (
        r"its payee's limit of (?P<sats>\d+) sats a day is used up; it goes at (?P<at>\S+)",
        _("its payee's limit of %(sats)s a day is used up; it goes on %(at)s"),
    ),
    (
        r"the limit of (?P<sats>\d+) sats in an hour is used up; it is tried again at (?P<at>\S+)",
        _("the limit of %(sats)s in an hour is used up; it is tried again on %(at)s"),
    ),
    (
        r"(?P<rail>\S+) failed (?P<times>\d+) times in a row; it is tried again from time to time",
        _("%(rail)s failed %(times)s times in a row; it is tried again from time to time"),
    ),
    (
        r"(?P<rail>\S+) holds too little to send it now",
        _("%(rail)s holds too little to send it now"),
    ),
    (
        r"(?P<rail>\S+) is away or short: (?P<detail>.+)",
        _("%(rail)s is away or short: %(detail)s"),
    ),
    (
        r"the outside no longer knows a payment it had, or another node answered \((?P<source>.*)\)",
        _("the outside no longer knows a payment it had, or another node answered"),
    ),
    (
        r"the outside says of the last order neither that it was paid nor that it was refused",
        _("the outside says of the last order neither that it was paid nor that it was refused"),
    ),
    (
        r"two people found that it was not paid",
        _("two people found that it was not paid"),
    ),
    (
        r"a worker of ours broke over it \((?P<error>.+)\); its log says where",
        _("a worker of ours broke over it (%(error)s); its log says where"),
    ),
]
_KNOWN = [(re.compile(written), told) for written, told in SENTENCES]


def sentence_said(text: str) -> str:
    """Return a sentence of the engine's in the reader's language, or the text as it is."""
    for written, told in _KNOWN:
        if found := written.fullmatch(text):
            return str(told) % {name: _shown(name, part) for name, part in found.groupdict().items()}
    return text


def _shown(name: str, part: str) -> str:
    if name == "sats":
        return show_sats(int(part))
    at = parse_datetime(part) if name == "at" else None
    return date_format(localtime(at), "d/m/Y H:i") if at else part
