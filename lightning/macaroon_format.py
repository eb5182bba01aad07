"""The binary forms of a macaroon. Reading refuses what LND's library refuses, with its texts.

Source: gopkg.in/macaroon.v2 marshal.go, marshal-v1.go, marshal-v2.go, packet-v1.go, packet-v2.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

V2 = 2  # the first byte of the second form; the first form begins with a hexadecimal digit
HEX_DIGITS = b"0123456789abcdef"
END, LOCATION, IDENTIFIER, VERIFICATION_ID, SIGNATURE = 0, 1, 2, 4, 6
SIGNATURE_BYTES = 32
CONTINUES = 0x80  # this bit of a varint byte is set when another byte follows
VARINT_BYTES, LARGEST_NUMBER = 10, 0x7FFFFFFF


class MacaroonUnreadable(ValueError):
    """LND would not accept these bytes as a macaroon; the text is its own."""


@dataclass(frozen=True)
class Fields:
    """The fields of a macaroon, as either form has them. Caveats for third parties have a verification id."""

    version: int
    identifier: bytes = field(repr=False)
    caveats: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    signature: bytes = field(repr=False)


def read_fields(binary: bytes) -> Fields:
    """Read either form. Raises: MacaroonUnreadable. Bytes after the signature are ignored, as LND ignores them."""
    if not binary:
        raise MacaroonUnreadable("empty macaroon data")
    try:
        if binary[0] == V2:
            return _read_v2(_Reader(binary, 1))
        if binary[0] in HEX_DIGITS:
            return _read_v1(binary)
    except _Malformed as error:
        raise MacaroonUnreadable(f"unmarshal v{2 if binary[0] == V2 else 1}: {error}") from error
    raise MacaroonUnreadable("cannot determine data format of binary-encoded macaroon")


def packet(field_number: int, data: bytes) -> bytes:
    """Return one field in the second form."""
    return bytes([field_number]) + _varint(len(data)) + data


class _Malformed(ValueError):
    """What a form's own reader reports; the caller puts the form's name before it."""


# The second form: sections of fields, each ended by a zero byte


@dataclass
class _Reader:
    binary: bytes
    position: int

    def section(self) -> list[tuple[int, bytes]]:
        fields: list[tuple[int, bytes]] = []
        while True:
            if self.position >= len(self.binary):
                raise _Malformed("section extends past end of buffer")
            number, data = self.field()
            if number == END:
                return fields
            if fields and number <= fields[-1][0]:
                raise _Malformed("fields out of order")
            fields.append((number, data))

    def field(self) -> tuple[int, bytes]:
        number = self._number()
        if number == END:
            return END, b""
        length = self._number()
        data = self.binary[self.position : self.position + length]
        if len(data) != length:
            raise _Malformed("field data extends past end of buffer")
        self.position += length
        return number, data

    def _number(self) -> int:
        value = 0
        for place, byte in enumerate(self.binary[self.position : self.position + VARINT_BYTES]):
            value |= byte % CONTINUES << 7 * place
            if byte < CONTINUES:
                self.position += place + 1
                if value > LARGEST_NUMBER:
                    raise _Malformed("varint value out of range")
                return value
        if self.position + VARINT_BYTES > len(self.binary):
            raise _Malformed("varint value extends past end of buffer")
        raise _Malformed("varint value out of range")


def _read_v2(reader: _Reader) -> Fields:
    header = reader.section()
    if header and header[0][0] == LOCATION:
        del header[0]
    if [number for number, _ in header] != [IDENTIFIER]:
        raise _Malformed("invalid macaroon header")
    caveats: list[tuple[bytes, bytes]] = []
    while section := reader.section():
        caveats.append(_caveat_of(section))
    number, signature = reader.field()
    if number != SIGNATURE:
        raise _Malformed("unexpected field found instead of signature")
    if len(signature) != SIGNATURE_BYTES:
        raise _Malformed("signature has unexpected length")
    return Fields(2, header[0][1], tuple(caveats), signature)


def _caveat_of(section: list[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """Return a caveat and its verification id, which is empty unless a third party has to confirm it."""
    location = section.pop(0)[1] if section[0][0] == LOCATION else b""
    if not section or section[0][0] != IDENTIFIER:
        raise _Malformed("no identifier in caveat")
    caveat = section.pop(0)[1]
    if not section:
        if location:
            raise _Malformed("location not allowed in first party caveat")
        return caveat, b""
    if len(section) != 1:
        raise _Malformed("extra fields found in caveat")
    if section[0][0] != VERIFICATION_ID:
        raise _Malformed("invalid field found in caveat")
    return caveat, section[0][1]


# The first form: lines of a length in hexadecimal, a name, a blank and data


def _read_v1(binary: bytes) -> Fields:
    position = _expect(binary, 0, b"location")[1]
    identifier, position = _expect(binary, position, b"identifier")
    caveats: list[tuple[bytes, bytes]] = []
    while True:
        name, data, position = _line(binary, position)
        match name:
            case b"signature":
                if len(data) != SIGNATURE_BYTES:
                    raise _Malformed(f"signature has unexpected length {len(data)}")
                return Fields(1, identifier, tuple(caveats), data)
            case b"cid":
                caveats.append((data, b""))
            case b"vid" | b"cl":
                pass
            case _:
                raise _Malformed(f'unexpected field "{_shown(name)}"')


def _expect(binary: bytes, position: int, wanted: bytes) -> tuple[bytes, int]:
    name, data, after = _line(binary, position)
    if name != wanted:
        raise _Malformed(f'unexpected field "{_shown(name)}"; expected {_shown(wanted)}')
    return data, after


def _line(binary: bytes, position: int) -> tuple[bytes, bytes, int]:
    left = binary[position:]
    if len(left) < len(b"0000x\n"):
        raise _Malformed("packet too short")
    if any(digit not in HEX_DIGITS for digit in left[:4]):
        raise _Malformed("cannot parse size")
    length = int(left[:4], 16)
    if length > len(left):
        raise _Malformed("packet size too big")
    if length < len(b"0000"):
        raise _Malformed("packet size too small")
    name, blank, data = left[4:length].partition(b" ")
    if not (name and blank):
        raise _Malformed("cannot parse field name")
    if not left[4:length].endswith(b"\n"):
        raise _Malformed("no terminating newline found")
    return name, data[:-1], position + length


def _shown(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= CONTINUES:
        encoded.append(number % CONTINUES | CONTINUES)
        number >>= 7
    return bytes([*encoded, number])
