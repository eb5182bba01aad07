"""The demo: what `make run` needs on a bare machine. Not installed in production."""
