"""Calls that Orange did not do, for those who make them. Refusals that people see are in `partners.errors`."""

from __future__ import annotations

from typing import Any

from partners.wire import NotReached, PartnerError


class CredentialsRefused(NotReached):
    """Orange refuses our key or PIN, or has refused it before: this call certainly did nothing."""


class CallRefused(PartnerError):
    """Orange answered an error with an HTTP status and, in a problem document, a code (else empty).

    What the code means for the call is in `outcomes`. `fields` names members of the body that were not accepted.
    """

    def __init__(self, status: int, code: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(f"status {status}, code {code or 'none'}")
        self.status, self.code, self.fields = status, code, fields

    @property
    def evidence(self) -> dict[str, Any]:
        found: dict[str, Any] = {"http_status": self.status, "code": self.code}
        return found | ({"fields": list(self.fields)} if self.fields else {})
