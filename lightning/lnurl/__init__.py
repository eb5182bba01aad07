"""LNURL-pay and Lightning Addresses: turn a winner's address into one invoice for exactly the net amount.

`addresses` reads a destination without any network (LUD-01, 16, 17); `pay` makes the two requests of LNURL-pay
(LUD-06, 12). `lightning.invoices` decides whether the invoice may be paid, as for any other invoice.
"""
