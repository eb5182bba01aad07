"""Filters that show an amount with its unit: `{{ row.fee_sats|sats }}`."""

from django import template

from sunusav.backoffice import money

register = template.Library()
register.filter("sats", money.show_sats)
register.filter("msat", money.show_msat)
register.filter("xof", money.show_xof)
register.filter("rate", money.show_rate)
register.filter("bps", money.show_bps)
register.filter("ppm", money.show_ppm)
