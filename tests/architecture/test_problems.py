"""Every refusal has a page, and every page has a refusal."""

import json
import re
from collections.abc import Iterator

import pytest

from sunusav.api.problem_pages import problem_files, read_page
from sunusav.api.problems import KIND_STATUS, PROTOCOL_CODES, PROTOCOL_PROBLEMS, Problem, status_of
from sunusav.core.errors import DomainError
from tests.architecture.code import APPS, ROOT, import_everything

FILES = {file.stem: file for file in problem_files()}
CODES = sorted(FILES)
STATUS_OF_PROTOCOL = {
    **{code: status for status, code in PROTOCOL_CODES.items()},
    "invalid-request": 400, "database-unavailable": 503, "database-busy": 503,
}  # fmt: skip


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for error in kind.__subclasses__():
        yield error
        yield from _subclasses(error)


def _refusals() -> dict[str, type[DomainError]]:
    import_everything()
    ours = [error for error in _subclasses(DomainError) if error.__module__.split(".")[0] in APPS]
    return {error.code: error for error in ours if error not in KIND_STATUS}


def test_every_refusal_has_a_page() -> None:
    assert sorted(set(_refusals()) - set(CODES)) == []


def test_every_page_belongs_to_a_refusal_or_to_the_protocol() -> None:
    assert sorted(set(CODES) - set(_refusals()) - PROTOCOL_PROBLEMS) == []
    assert sorted(PROTOCOL_PROBLEMS - set(CODES)) == []


def test_page_is_in_the_app_that_raises_the_refusal() -> None:
    owners = {code: error.__module__.replace(".", "/") for code, error in _refusals().items()}
    apart = [
        code
        for code in owners
        if not owners[code].startswith(str(FILES[code].parent.parent.relative_to(ROOT)))
    ]
    assert apart == []
    assert len(problem_files()) == len(FILES)


def test_every_refusal_is_of_one_kind() -> None:
    kinds = {
        code: [kind for kind in KIND_STATUS if issubclass(error, kind)] for code, error in _refusals().items()
    }
    assert {code: found for code, found in kinds.items() if len(found) != 1} == {}


def test_no_two_refusals_share_a_code() -> None:
    import_everything()
    ours = [error for error in _subclasses(DomainError) if error.__module__.split(".")[0] in APPS]
    codes = [error.code for error in ours]
    assert sorted(code for code in set(codes) if codes.count(code) > 1) == []


def test_facts_do_not_shadow_the_standard_members() -> None:
    standard = set(Problem("internal-error", 500).document())
    assert {
        code: error.fact_names() & standard
        for code, error in _refusals().items()
        if error.fact_names() & standard
    } == {}


@pytest.mark.parametrize("code", CODES)
def test_page_has_title_next_step_and_valid_example(code: str) -> None:
    page = read_page(FILES[code])
    assert page.title[-1] not in ".!"
    assert page.next.endswith(".")
    [example] = re.findall(r"^```json\n(.*?)^```$", page.prose, re.MULTILINE | re.DOTALL)
    document = json.loads(example)
    refusal = _refusals().get(code)
    assert document["code"] == code
    assert document["type"] == f"/problems/{code}"
    assert document["title"] == page.title
    assert document["status"] == (status_of(refusal) if refusal else STATUS_OF_PROTOCOL[code])
    if refusal is not None:
        standard = set(Problem(code, 500).document())
        assert set(document) - standard == refusal.fact_names()
