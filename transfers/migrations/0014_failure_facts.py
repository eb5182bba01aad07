"""Replace sentences about failures, deferrals and reviews by their facts; text that does not parse is kept as text."""

import re
from collections.abc import Iterator
from typing import Any

from django.db import migrations, models

# By code: the sentence as it was written; named groups are facts.
SENTENCES = {
    "payout-above-limit": (
        r"it is above the limit of (?P<limit_sats>\d+) sats for one payout; a second person can except it"
    ),
    "destination-cooling-off": (
        r"its destination became another payee's after the cycle was ready; it goes at (?P<until>\S+)"
    ),
    "payee-day-limit": r"its payee's limit of (?P<limit_sats>\d+) sats a day is used up; it goes at (?P<until>\S+)",
    "hour-limit": r"the limit of (?P<limit_sats>\d+) sats in an hour is used up; it is tried again at (?P<until>\S+)",
    "rail-stopped": r"(?P<rail>\S+) failed (?P<failures>\d+) times in a row; it is tried again from time to time",
    "rail-unavailable": r"(?P<rail>\S+) is away or short: (?P<detail>.*)",
    "liquidity-short": r"(?P<rail>\S+) holds too little to send it now",
    "payment-vanished": (
        r"the outside no longer knows a payment it had, or another node answered \((?P<source>.*)\)"
    ),
    "last-order-in-doubt": (
        r"the outside says of the last order neither that it was paid nor that it was refused"
    ),
    "paid-before": (
        r"an order of disbursement (?P<disbursement_id>\d+) for the same subject was paid after all"
    ),
    "answer-contradicts-records": r"(?P<outcome>.+)",
    "refused-when-sent-again": r"(?P<outcome>.+)",
    "resolved-as-not-paid": r"two people found that it was not paid",
    "worker-broke": r"a worker of ours broke over it \((?P<error>.+)\); its log says where",
}
NUMBERS = re.compile(r"limit_sats|failures|.*_(?:id|sats|msat|ppm|bps)")
# The other messages were refusals of ours: "code: name=value, name=value".
NAMED = re.compile(r"(?:^|, )([a-z][a-z0-9_]*)=")
MODELS = ("Disbursement", "WithdrawalLink")
BATCH = 500


def facts_in(code: str, message: str) -> dict[str, Any]:
    """Return the facts in a message; all of it as `text` where it does not parse."""
    if message in ("", code):
        return {}
    if found := re.fullmatch(SENTENCES.get(code, r"(?!)"), message, re.DOTALL):
        return {name: _value(name, text) for name, text in found.groupdict().items()}
    named = message.removeprefix(f"{code}: ")
    parts = NAMED.split(named)
    if named == message or parts[0]:
        return {"text": message}
    return {name: _value(name, text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _value(name: str, text: str) -> Any:
    if text == "None":
        return None
    return int(text) if NUMBERS.fullmatch(name) and re.fullmatch(r"-?\d+", text) else text


def parse_messages(apps: Any, schema_editor: Any) -> None:
    for name in MODELS:
        model = apps.get_model("transfers", name)
        for rows in _pages(model.objects.exclude(failure_message="")):
            for row in rows:
                row.failure_facts = facts_in(row.failure_code, row.failure_message)
            model.objects.bulk_update(rows, ["failure_facts"])


def write_messages(apps: Any, schema_editor: Any) -> None:
    """Write a message again for the code before this version: the text that was kept, else the code."""
    for name in MODELS:
        model = apps.get_model("transfers", name)
        for rows in _pages(model.objects.exclude(failure_code="")):
            for row in rows:
                row.failure_message = row.failure_facts.get("text", row.failure_code)[:300]
            model.objects.bulk_update(rows, ["failure_message"])


def _pages(found: Any) -> Iterator[list[Any]]:
    """Yield rows a page at a time, by key: memory does not grow with the history."""
    rows = list(found.order_by("pk")[:BATCH])
    while rows:
        yield rows
        rows = list(found.filter(pk__gt=rows[-1].pk).order_by("pk")[:BATCH])


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0013_names_of_fields"),
    ]

    operations = [
        migrations.AddField(
            model_name="disbursement",
            name="failure_facts",
            field=models.JSONField(default=dict, verbose_name="failure facts"),
        ),
        migrations.AddField(
            model_name="withdrawallink",
            name="failure_facts",
            field=models.JSONField(default=dict, verbose_name="failure facts"),
        ),
        migrations.RunPython(parse_messages, write_messages),
        migrations.RemoveField(model_name="disbursement", name="failure_message"),
        migrations.RemoveField(model_name="withdrawallink", name="failure_message"),
    ]
