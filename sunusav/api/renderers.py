"""JSON with DRF's encoding of dates and decimals; the encoder is built once."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

_ENCODER = json.JSONEncoder(
    default=JSONEncoder().default, ensure_ascii=False, allow_nan=False, separators=(",", ":")
)


class ExactJSONRenderer(JSONRenderer):
    """Compact JSON in UTF-8, without NaN."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else _ENCODER.encode(data).encode()
