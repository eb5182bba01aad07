"""Every refusal has its page, and every page its refusal."""

import json
import re
from collections.abc import Iterator

import pytest

from sunusav.api.problem_pages import problem_folder, read_page
from sunusav.api.problems import KIND_STATUS, PROTOCOL_CODES, PROTOCOL_PROBLEMS, Problem, status_of
from sunusav.core.errors import DomainError
from tests.architecture.code import APPS, import_everything

CODES = sorted(file.stem for file in problem_folder().glob("*.md"))
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


def test_every_page_has_a_refusal_or_a_protocol_problem() -> None:
    assert sorted(set(CODES) - set(_refusals()) - PROTOCOL_PROBLEMS) == []
    assert sorted(PROTOCOL_PROBLEMS - set(CODES)) == []


def test_every_refusal_has_one_kind() -> None:
    kinds = {
        code: [kind for kind in KIND_STATUS if issubclass(error, kind)] for code, error in _refusals().items()
    }
    assert {code: found for code, found in kinds.items() if len(found) != 1} == {}


def test_no_two_refusals_share_a_code() -> None:
    import_everything()
    ours = [error for error in _subclasses(DomainError) if error.__module__.split(".")[0] in APPS]
    codes = [error.code for error in ours]
    assert sorted(code for code in set(codes) if codes.count(code) > 1) == []


def test_facts_do_not_replace_the_standard_members() -> None:
    standard = set(Problem("internal-error", 500).document())
    assert {
        code: error.fact_names() & standard
        for code, error in _refusals().items()
        if error.fact_names() & standard
    } == {}


@pytest.mark.parametrize("code", CODES)
def test_page_has_a_title_a_next_step_and_a_valid_example(code: str) -> None:
    page = read_page(problem_folder() / f"{code}.md")
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
