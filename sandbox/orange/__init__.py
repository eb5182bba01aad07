"""A simulated Orange Money Senegal, as its API answers live: OAuth, cash-in, QR codes, search, callbacks.

`security` checks tokens, headers and the PIN (a real key decrypts it, and wrong tries are counted); `cash_ins` and
`qr_codes` have the rules; `transactions` is what both book and what a search finds; `callbacks` signs what is sent;
`pages` is for people; `dialect` names the calls. Run it with `python -m sandbox.orange --folder FOLDER`.
"""
