"""LND's wire format: our own minimal .proto subset, the code generated from it, and the table of methods.

`python -m lightning.proto.generate` writes the `*_pb2` modules again; `--check` only compares (used by lint and CI).
"""
