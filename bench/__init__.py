"""Benchmarks as ratios: our code against a minimal program for the same work, measured in one run on one machine.

`python -m bench [NAME ...]`. Each bench measures both sides of its ratios one after the other in every round and
reports the median of the rounds. Absolute figures are printed as context: they depend on the machine and its load.
"""
