from datetime import UTC, datetime

from django.db import migrations

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _insert_version_1(apps, schema_editor):
    schedules = apps.get_model("fees", "FeeSchedule").objects
    if schedules.filter(version=1).exists():
        return  # MySQL and MariaDB may have broken off after the insert
    schedule = schedules.create(
        version=1, effective_at=EPOCH, published_at=EPOCH, bracket_count=1, minimum_fee_sats=1, maximum_fee_sats=None,
        verified_discount_bps=5_000, recurring_discount_bps=2_500, platform_share_bps=5_000, community_share_bps=2_000,
        override_cap_ppm=10_000,
    )  # fmt: skip
    brackets = apps.get_model("fees", "FeeBracket").objects
    brackets.create(schedule=schedule, position=0, from_sats=0, base_rate_ppm=10_000)


class Migration(migrations.Migration):
    """Version 1: a fee schedule is in effect from the start."""

    dependencies = [("fees", "0002_append_only")]

    operations = [migrations.RunPython(_insert_version_1, migrations.RunPython.noop)]
