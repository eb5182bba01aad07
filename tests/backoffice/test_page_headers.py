"""Headers by which browsers restrict pages: strict for all, relaxed where the scripts of a page need it."""

import re
from typing import Any

import pytest
from django.test import Client

from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter

STRICT = {
    "default-src": "'none'", "img-src": "'self' data:", "style-src": "'self'", "base-uri": "'none'",
    "form-action": "'self'", "frame-ancestors": "'none'",
}  # fmt: skip
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HTML = {"accept": "text/html"}


def _policy(headers: Any) -> dict[str, str]:
    """Return the directives of a policy, without its nonces."""
    text = re.sub(r" ?'nonce-[^']*'", "", str(headers["Content-Security-Policy"]))
    return dict(directive.split(" ", 1) for directive in text.split("; "))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health", "/problems", "/no-such-page", "/admin/login/", "/redoc"])
def test_every_response_has_the_strict_headers(path: str) -> None:
    headers = Client().get(path, headers=HTML).headers

    assert {name: headers[name] for name in EVERYWHERE} == EVERYWHERE
    assert "camera=()" in headers["Permissions-Policy"]
    assert _policy(headers)["frame-ancestors"] == "'none'"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health", "/problems", "/no-such-page", "/partners/wave/done"])
def test_policy_is_strict_outside_the_back_office(path: str) -> None:
    assert _policy(Client().get(path, headers=HTML).headers) == STRICT


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/problems", "/problems/not-found", "/partners/wave/done"])
def test_styles_of_public_pages_have_the_nonce_of_the_policy(path: str) -> None:
    response = Client().get(path)

    [nonce] = re.findall(r'<style nonce="([^"]+)">', response.content.decode())
    assert f"'nonce-{nonce}'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_runs_its_own_scripts_only(path: str) -> None:
    response = Client().get(path)

    policy = _policy(response.headers)
    inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", response.content.decode())
    nonces = re.findall(r"'nonce-([^']*)'", response.headers["Content-Security-Policy"])
    assert (policy["script-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert inline == [f' nonce="{nonce}"' for nonce in nonces]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/core/proposal/", "/admin/core/user/0/change/"])
def test_pages_of_the_back_office_are_kept_by_no_cache_and_run_no_foreign_script(
    path: str, enter: Enter
) -> None:
    sync_roles()
    headers = enter(Role.AUDITOR).get(path).headers

    policy = _policy(headers)
    assert "no-store" in headers["Cache-Control"]
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self' 'unsafe-eval'")
