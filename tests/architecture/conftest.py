from tests.support.subjects import subjects_made_up

__all__ = ["subjects_made_up"]
