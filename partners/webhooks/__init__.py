"""Deliveries of partners: whether one is authentic, and what it hints at. No database; the inbox is in `services`.

A delivery moves no money: it names a payment of ours, whose state is then asked at the partner.
"""
