"""Ratios measured on the machine at hand: what our guarantees cost over the least that could do the same work.

`python -m bench [NAME ...]` (names: quote, payout, once, bolt11). Each bench measures both sides of its ratios in one
run, one after the other in every round, and reports the median of the rounds. Absolute figures are printed as context:
they say how busy the machine is, not how good the code is.
"""
