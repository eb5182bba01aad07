"""The API of this room: rates and conversions."""
