"""Whole payments and contributions over every partner: the engine, the plug-ins, the simulators, the books."""
