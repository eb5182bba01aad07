"""Tests of the rules of the house: floors, tools, and the harness the other tests stand on."""
