"""The page of a simulated partner: its phones and balances, and the newest movements of each."""

from __future__ import annotations

from html import escape

from sandbox.simulator.dialect import Response
from sandbox.simulator.store import Row
from sandbox.simulator.wallets import OURS

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.4rem; } p.note { color: #5a6775; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #dde3e9; vertical-align: top; }
td.amount { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.ours { background: #f2f7f4; font-weight: 600; } small { color: #5a6775; font-weight: 400; }
button { font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: #12756b; color: #fff; }
"""


def document(title: str, body: str, *, status: int = 200) -> Response:
    """Return a page."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Response(status, text.encode(), "text/html; charset=utf-8")


def wallets_page(title: str, wallets: list[Row]) -> Response:
    """Return the page of all phones."""
    rows = "".join(_wallet(row) for row in wallets)
    note = "A simulated partner: no real money. The page reloads every three seconds."
    table = (
        f"<table><tr><th>Phone</th><th>Name</th><th>Last movements</th><th>Balance</th></tr>{rows}</table>"
    )
    reload = '<meta http-equiv="refresh" content="3">'
    return document(title, f'{reload}<p class="note">{note}</p>{table}')


def francs(amount: int) -> str:
    """Return an amount with its unit and thin gaps between thousands."""
    return f"{amount:,}".replace(",", "\u202f") + "\u00a0XOF"


def _wallet(row: Row) -> str:
    movements = "<br>".join(
        f"<small>{escape(one['at'][:19].replace('T', ' '))} · {escape(one['kind'])}</small> {francs(one['amount'])}"
        for one in row["movements"][:3]
    )
    is_ours = row["phone"] == OURS
    state = f" <small>({escape(row['state'])})</small>" if row["state"] else ""
    return (
        f'<tr class="{"ours" if is_ours else ""}"><td>{"our account" if is_ours else escape(row["phone"])}{state}</td>'
        f"<td>{'' if is_ours else escape(row['name'])}</td><td>{movements}</td>"
        f'<td class="amount">{francs(row["balance"])}</td></tr>'
    )
