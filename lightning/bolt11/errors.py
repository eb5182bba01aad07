"""One class per reason why a BOLT 11 invoice cannot be read."""

from __future__ import annotations

import re


class Bolt11Error(ValueError):
    """Base of the errors; each subclass is named for what makes the text unreadable."""

    @property
    def reason(self) -> str:
        """Return the class name in lower case with hyphens: a stable code for facts and messages."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


# The envelope: bech32.
class InvoiceTooLong(Bolt11Error): ...


class MixedCase(Bolt11Error): ...


class SeparatorMissing(Bolt11Error): ...


class CharacterNotAllowed(Bolt11Error): ...


class ChecksumWrong(Bolt11Error): ...


class InvoiceTooShort(Bolt11Error): ...


# The human-readable part.
class PrefixNotLightning(Bolt11Error): ...


class NetworkUnknown(Bolt11Error): ...


class AmountUnreadable(Bolt11Error): ...


class AmountFinerThanMsat(Bolt11Error): ...


class AmountAboveSupply(Bolt11Error): ...


# The tagged fields.
class FieldCutShort(Bolt11Error): ...


class FieldLengthWrong(Bolt11Error): ...


class PaddingNotZero(Bolt11Error): ...


class NumberNotMinimal(Bolt11Error): ...


class NumberTooLarge(Bolt11Error): ...


class DescriptionNotText(Bolt11Error): ...


class RouteHintCutShort(Bolt11Error): ...


class PaymentHashMissing(Bolt11Error): ...


class PaymentSecretMissing(Bolt11Error): ...


class DescriptionMissing(Bolt11Error): ...


class DescriptionGivenTwice(Bolt11Error): ...


class FeatureUnknown(Bolt11Error): ...


class FeatureBothRequiredAndOptional(Bolt11Error): ...


# The signature.
class RecoveryIdUnknown(Bolt11Error): ...


class SignatureNotRecoverable(Bolt11Error): ...


class SignatureHighS(Bolt11Error): ...


class SignatureByAnother(Bolt11Error): ...


# A draft that cannot be written as an invoice.
class DraftInvalid(Bolt11Error): ...
