from tests.partners.wave.fixtures import wave, wave_process

__all__ = ["wave", "wave_process"]
