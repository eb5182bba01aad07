"""LNURL-pay and Lightning Addresses: from what a winner gives us to one invoice for exactly the net.

`addresses` reads a destination without any network (LUD-01, 16, 17); `pay` speaks the two questions of LNURL-pay
(LUD-06, 12). Neither judges the invoice: that is `lightning.invoices`', as for any other invoice.
"""
