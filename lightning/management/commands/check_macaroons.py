from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lightning.access_scopes import uris_of
from lightning.client import AccessScope, NodeAccess, NodeMisconfigured, access_for
from lightning.client.access_check import access_errors
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import Assessment, assess, read_macaroon
from sunusav.core import clock


class Command(BaseCommand):
    help = "List what each configured macaroon allows, which rights are missing and which are forbidden."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--ask", action="store_true", help="also make read-only calls to the node with each macaroon"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accesses = {scope: access_for(scope) for scope in AccessScope}
        given = {scope: access for scope, access in accesses.items() if access.has_macaroon}
        for scope in accesses.keys() - given.keys():
            self.stdout.write(f"{scope}: none in this process")
        if not given:
            raise CommandError("no macaroon is configured in this process")
        unfit = [scope for scope, access in given.items() if not self._report(scope, access, options["ask"])]
        if unfit:
            raise CommandError(f"not fit for use: {', '.join(unfit)}")

    def _report(self, scope: AccessScope, access: NodeAccess, ask: bool) -> bool:  # noqa: FBT001 - an option, as given
        """Write the assessment of one macaroon, never the macaroon itself; return whether it is fit for use."""
        where = access.macaroon_path or f"LND_{scope.name}_MACAROON_HEX"
        self.stdout.write(f"{scope}: {where}")
        try:
            assessment = assess(read_macaroon(access.macaroon()), scope, now=clock.now())
        except (NodeMisconfigured, MacaroonUnreadable) as error:
            self._line("unreadable", str(error))
            return False
        for label, text in _lines(assessment):
            self._line(label, text)
        if not assessment.is_fit:
            self._line("bake", " ".join(["lncli bakemacaroon", *uris_of(scope)]))
        return (not ask or self._is_accepted(scope, access)) and assessment.is_fit

    def _is_accepted(self, scope: AccessScope, access: NodeAccess) -> bool:
        errors = access_errors(scope, access)
        for error in errors:
            self._line("refused", f"{error.method} {error.code} {error.text}".strip())
        if not errors:
            self._line("node", "accepts it")
        return not errors

    def _line(self, label: str, text: str) -> None:
        self.stdout.write(f"  {label:<10} {text}")


def _lines(assessment: Assessment) -> Iterator[tuple[str, str]]:
    yield "allows", ", ".join(assessment.allowed) or "no method of its scope"
    yield from (("missing", right) for right in assessment.missing)
    yield from (("forbidden", right) for right in assessment.forbidden)
    yield from (("surplus", f"{right} reads more than needed") for right in assessment.surplus)
    yield from (("caveat", condition) for condition in assessment.conditions)
