from tests.partners.mtn.fixtures import mtn, mtn_process

__all__ = ["mtn", "mtn_process"]
