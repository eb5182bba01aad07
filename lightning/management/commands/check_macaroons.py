from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lightning.access_scopes import uris_of
from lightning.client import AccessScope, NodeAccess, NodeMisconfigured, access_for
from lightning.client.trial import try_access_scope
from lightning.macaroons import MacaroonUnreadable, Verdict, read_macaroon, verdict_on
from sunusav.core import clock


class Command(BaseCommand):
    help = "Say what the configured macaroons may do, what is too much and what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--ask", action="store_true", help="also try each on the node, by calls that only read"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {errand: access_for(errand) for errand in AccessScope}
        held = {errand: access for errand, access in given.items() if _is_given(access)}
        for errand in given.keys() - held.keys():
            self.stdout.write(f"{errand}: none in this process")
        if not held:
            raise CommandError("no macaroon is configured in this process")
        unfit = [errand for errand, access in held.items() if not self._told(errand, access, options["ask"])]
        if unfit:
            raise CommandError(f"not fit for use: {', '.join(unfit)}")

    def _told(self, errand: AccessScope, access: NodeAccess, ask: bool) -> bool:  # noqa: FBT001 - an option, as given
        """Write what there is to say of one macaroon, never the macaroon; return whether it is fit."""
        where = access.macaroon_path or f"LND_{errand.name}_MACAROON_HEX"
        self.stdout.write(f"{errand}: {where}")
        try:
            verdict = verdict_on(read_macaroon(access.macaroon()), errand, now=clock.now())
        except (NodeMisconfigured, MacaroonUnreadable) as error:
            self._line("unreadable", str(error))
            return False
        for word, told in _lines(verdict):
            self._line(word, told)
        if not verdict.is_fit:
            self._line("bake", " ".join(["lncli bakemacaroon", *uris_of(errand)]))
        return (not ask or self._accepted(errand, access)) and verdict.is_fit

    def _accepted(self, errand: AccessScope, access: NodeAccess) -> bool:
        refusals = try_access_scope(errand, access)
        for error in refusals:
            self._line("refused", f"{error.method} {error.code} {error.text}".strip())
        if not refusals:
            self._line("node", "accepts it")
        return not refusals

    def _line(self, word: str, told: str) -> None:
        self.stdout.write(f"  {word:<10} {told}")


def _is_given(access: NodeAccess) -> bool:
    return bool(access.macaroon_path or access.macaroon_text)


def _lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "may", ", ".join(verdict.may) or "nothing of what it is for"
    yield from (("missing", right) for right in verdict.missing)
    yield from (("too much", right) for right in verdict.too_much)
    yield from (("wider", f"{right} tells more than needed") for right in verdict.wider)
    yield from (("only while", condition) for condition in verdict.conditions)
