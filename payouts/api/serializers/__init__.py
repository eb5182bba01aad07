"""Shapes of this room's endpoints: `bodies` are read, `answers` are written. The API's names live here, no deeper."""
