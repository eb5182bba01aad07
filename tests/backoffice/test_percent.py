"""People type per cent where models have basis points or parts per million, and read the unit of amounts."""

from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.utils.html import strip_tags

from fees.models import FeeBracketDraft, FeeScheduleDraft
from sunusav.backoffice.percent import PercentField, percent_field
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World

FRENCH = {"accept-language": "fr"}


def field(model: type, name: str) -> PercentField:
    found = percent_field(model._meta.get_field(name))  # type: ignore[attr-defined]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "parts", "typed"),
    [
        # 10,000 basis points are the whole: one of them is a hundredth of a per cent.
        ("platform_share_bps", 5_000, "50"),
        ("platform_share_bps", 1, "0.01"),
        ("verified_discount_bps", 10_000, "100"),
        ("override_cap_ppm", 10_000, "1"),
        ("override_cap_ppm", 1, "0.0001"),
        ("override_cap_ppm", 7_500, "0.75"),
        ("override_cap_ppm", 0, "0"),
    ],
)
def test_parts_are_shown_and_typed_in_per_cent(name: str, parts: int, typed: str) -> None:
    found = field(FeeScheduleDraft, name)

    assert found.prepare_value(parts) == typed
    assert found.clean(typed) == parts
    assert not found.has_changed(parts, f"{typed}.0" if "." not in typed else typed)


@pytest.mark.parametrize("typed", ["0.00001", "100.0001", "-1", "NaN", "1e-9", "", "half"])
def test_what_is_no_number_of_whole_parts_is_refused(typed: str) -> None:
    found = field(FeeBracketDraft, "base_rate_ppm")

    with pytest.raises(ValidationError):
        found.clean(typed)
    assert found.has_changed(10_000, typed)


def test_empty_line_of_a_table_has_not_changed() -> None:
    found = field(FeeBracketDraft, "base_rate_ppm")

    assert (found.has_changed(None, ""), found.has_changed(10_000, "")) == (False, True)


def test_other_fields_are_left_alone() -> None:
    assert percent_field(FeeScheduleDraft._meta.get_field("minimum_fee_sats")) is None


def test_amounts_of_a_draft_name_their_unit(world: World, enter: Enter) -> None:
    html = (
        enter(None)
        .get(f"/admin/fees/feescheduledraft/{world.draft.pk}/change/", headers=FRENCH)
        .content.decode()
    )
    shown = " ".join(unescape(strip_tags(html)).split())

    for label in ("Commission minimale, en sats", "Commission maximale, en sats", "De, en sats"):
        assert label in shown
