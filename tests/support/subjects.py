"""Subjects that tests make up: the tests of an app need no rows of the apps above it.

A folder whose tests make up subjects imports `subjects_made_up` in its `conftest.py`; a process of its own enters
`made_up_subjects`. Elsewhere only subjects with rows exist.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest

from payouts import subjects
from sunusav.core.subjects import SubjectKind

UNOWNED = ("charge", "gift", "test")


@contextmanager
def made_up_subjects() -> Iterator[None]:
    """Let every cycle, contribution, group, charge, gift and `test:` exist, in this process, until the block ends."""
    owned = [replace(kind, exists=bool) for kind in subjects.SUBJECT_KINDS]
    unowned = [SubjectKind(kind, exists=bool, label=f"{kind} %(key)s") for kind in UNOWNED]
    with patch.object(subjects, "SUBJECT_KINDS", [*owned, *unowned]):
        yield


@pytest.fixture(autouse=True)
def subjects_made_up() -> Iterator[None]:
    """Let made-up subjects exist in every test of the folder that imports this."""
    with made_up_subjects():
        yield
