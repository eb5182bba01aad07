"""LND's wire format: a minimal subset of its .proto files, the code generated from it, and the table of methods.

`python -m lightning.proto.generate` writes the `*_pb2` modules; `--check` only compares them (used by lint and CI).
"""
