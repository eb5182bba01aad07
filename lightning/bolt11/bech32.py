"""Bech32 without a length limit, on base-32 digit strings.

Python's `int(text, 32)` runs in C. The characters of bech32 are therefore translated once to its digits, and every
field is a slice of that text, read as one number, instead of a list of bits. A digit is a 5-bit word of bech32.
"""

from __future__ import annotations

from lightning.bolt11.errors import (
    CharacterNotAllowed,
    ChecksumWrong,
    InvoiceTooLong,
    InvoiceTooShort,
    MixedCase,
    PaddingNotZero,
    SeparatorMissing,
)

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # BIP 173
DIGITS = "0123456789abcdefghijklmnopqrstuv"
MAX_INVOICE_LENGTH = 7089  # LND refuses longer ones (`zpay32`): the limit of a QR code
CHECKSUM_WORDS = 6
BITS_PER_WORD = 5

_TO_DIGITS = bytes(
    DIGITS.encode()[CHARSET.index(chr(code))] if chr(code) in CHARSET else 0 for code in range(256)
)
_TO_CHARSET = str.maketrans(DIGITS, CHARSET)
_TO_VALUES = bytes(DIGITS.index(chr(code)) if chr(code) in DIGITS else 0 for code in range(256))
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # BIP 173


def _remainder_of(top: int) -> int:
    remainder = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            remainder ^= generator
    return remainder


_REMAINDERS = tuple(_remainder_of(top) for top in range(32))


def _polymod(values: bytes, start: int = 1) -> int:
    remainders, checksum = _REMAINDERS, start
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ remainders[checksum >> 25]
    return checksum


def _spread(prefix: str) -> bytes:
    codes = prefix.encode()
    return bytes(code >> 5 for code in codes) + b"\0" + bytes(code & 31 for code in codes)


def lowered(text: str) -> str:
    """Return the text in lower case; bech32 does not allow mixed case."""
    if len(text) > MAX_INVOICE_LENGTH:
        raise InvoiceTooLong(f"{len(text)} characters, at most {MAX_INVOICE_LENGTH}")
    if not text:
        raise InvoiceTooShort("there is no text")
    if not (text.isascii() and text.isalnum()):
        raise CharacterNotAllowed("an invoice has only ASCII letters and digits")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise MixedCase("an invoice is all lower or all upper case")
    return lower


def split(text: str) -> tuple[str, str]:
    """Return prefix and base-32 digits (checksum removed) of a lower-case bech32 text.

    Source: BIP 173, without its limit of 90 characters (BOLT 11).
    """
    prefix, separator, data = text.rpartition("1")
    if not (separator and prefix):
        raise SeparatorMissing("there is no 1 between prefix and data")
    if len(data) < CHECKSUM_WORDS:
        raise InvoiceTooShort("there is no room for a checksum")
    digits = data.encode().translate(_TO_DIGITS)
    if 0 in digits:
        raise CharacterNotAllowed("the data part uses characters outside bech32")
    if _polymod(_spread(prefix) + digits.translate(_TO_VALUES)) != 1:
        raise ChecksumWrong("the bech32 checksum does not match")
    return prefix, digits[:-CHECKSUM_WORDS].decode()


def join(prefix: str, digits: str) -> str:
    """Return the bech32 text of a prefix and base-32 digits."""
    values = _spread(prefix) + digits.encode().translate(_TO_VALUES) + bytes(CHECKSUM_WORDS)
    checksum = digits_of_number(_polymod(values) ^ 1, length=CHECKSUM_WORDS)
    return f"{prefix}1{(digits + checksum).translate(_TO_CHARSET)}"


def bytes_of(digits: str) -> bytes:
    """Return the bytes of a field; the remaining bits must be fewer than five, and zero."""
    if not digits:
        return b""
    size, spare = divmod(len(digits) * BITS_PER_WORD, 8)
    number = int(digits, 32)
    if spare >= BITS_PER_WORD or number & ((1 << spare) - 1):
        raise PaddingNotZero("a field ends in bits that are not zero padding")
    return (number >> spare).to_bytes(size, "big")


def padded_bytes_of(digits: str) -> bytes:
    """Return all bits of the digits, padded with zeros to whole bytes (the form that is signed)."""
    bits = len(digits) * BITS_PER_WORD
    return (int(digits, 32) << (-bits % 8)).to_bytes((bits + 7) // 8, "big")


def digits_of_bytes(raw: bytes) -> str:
    """Return the digits of bytes, padded with zero bits to a whole digit."""
    bits = len(raw) * 8
    spare = -bits % BITS_PER_WORD
    return digits_of_number(int.from_bytes(raw, "big") << spare, length=(bits + spare) // 5)


def digits_of_number(number: int, *, length: int) -> str:
    """Return exactly `length` digits; the number must fit."""
    return "".join(DIGITS[number >> shift & 31] for shift in range((length - 1) * 5, -1, -5))


def minimal_digits_of(number: int) -> str:
    """Return the number in the fewest digits; zero has one digit, as in LND."""
    return digits_of_number(number, length=max(1, (number.bit_length() + 4) // 5))
