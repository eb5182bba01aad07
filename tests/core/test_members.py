"""What members read in their wallets is in the language of the installation, no matter who asked for it."""

import pytest
from django.utils import translation
from pytest_django import Settings

from payouts.services.contributions import MEMO
from sunusav.core.members import for_members


@pytest.mark.parametrize(
    ("installed_in", "memo"), [("fr", "Cotisation SunuSàv 7"), ("en", "SunuSàv contribution 7")]
)
@pytest.mark.parametrize("asked_in", ["en", "fr"])
def test_members_read_the_language_of_the_installation(
    installed_in: str, memo: str, asked_in: str, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = installed_in  # forgets the active language
    with translation.override(asked_in):
        assert for_members(MEMO, number=7) == memo
        assert translation.get_language() == asked_in
