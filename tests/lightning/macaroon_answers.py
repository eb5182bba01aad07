"""Every text with which LND refuses a call for its macaroon, with its source; each has code UNKNOWN. Two are cut.

LND v0.21.2, gopkg.in/macaroon.v2 v2.0.0, macaroon-bakery.v2 v2.0.1.
"""

from __future__ import annotations

ANSWERS = [
    # lnd rpcperms/interceptor.go checkMacaroon
    "unable to determine macaroon permissions",
    "/routerrpc.Router/SendPaymentV3: unknown permissions required for method",
    # lnd macaroons/service.go RawMacaroonFromContext
    "unable to get metadata from context",
    "expected 1 macaroon, got 0",
    "expected 1 macaroon, got 2",
    # Go encoding/hex, in lnd macaroons/service.go ValidateMacaroon
    "encoding/hex: odd length hex string",
    "encoding/hex: invalid byte: U+0067 'g'",
    # macaroon.v2 marshal.go parseBinary
    "empty macaroon data",
    "cannot determine data format of binary-encoded macaroon",
    # macaroon.v2 marshal-v2.go parseBinaryV2
    "unmarshal v2: invalid macaroon header",
    "unmarshal v2: no identifier in caveat",
    "unmarshal v2: location not allowed in first party caveat",
    "unmarshal v2: extra fields found in caveat",
    "unmarshal v2: invalid field found in caveat",
    "unmarshal v2: unexpected field found instead of signature",
    "unmarshal v2: signature has unexpected length",
    # macaroon.v2 packet-v2.go
    "unmarshal v2: section extends past end of buffer",
    "unmarshal v2: fields out of order",
    "unmarshal v2: field data extends past end of buffer",
    "unmarshal v2: varint value out of range",
    "unmarshal v2: varint value extends past end of buffer",
    # macaroon.v2 marshal-v1.go parseBinaryV1, packet-v1.go
    "unmarshal v1: signature has unexpected length 3",
    'unmarshal v1: repeated field "vid" in caveat',
    'unmarshal v1: repeated field "location" in caveat',
    'unmarshal v1: unexpected field "x"',
    'unmarshal v1: unexpected field "x"; expected location',
    "unmarshal v1: packet too short",
    "unmarshal v1: cannot parse size",
    "unmarshal v1: packet size too big",
    "unmarshal v1: packet size too small",
    "unmarshal v1: cannot parse field name",
    "unmarshal v1: no terminating newline found",
    # lnd macaroons/service.go CheckMacAuth
    "unknown macaroon version: v1",
    "invalid ID",
    # bakery/checker.go initOnceFunc, around bakery/oven.go VerifyMacaroon and lnd macaroons/store.go Get
    "cannot retrieve macaroon: no macaroons in slice",
    "cannot retrieve macaroon: cannot unmarshal macaroon id: proto: cannot parse invalid wire-format data",
    "cannot retrieve macaroon: no operations found in macaroon",
    "cannot retrieve macaroon: cannot get macaroon: macaroon store is locked",
    "cannot retrieve macaroon: cannot get macaroon: root key bucket not found",
    "cannot retrieve macaroon: cannot get macaroon: root key with id 7 doesn't exist",
    # bakery/error.go VerificationError, around bakery/oven.go and macaroon.v2 macaroon.go, crypto.go
    "verification failed: macaroon not found in storage",
    "verification failed: signature mismatch after caveat verification",
    "verification failed: failed to decrypt caveat 0 signature: message too short",
    "verification failed: failed to decrypt caveat 0 signature: decryption failure",
    "verification failed: cannot find discharge macaroon for caveat 6964",
    # bakery/checkers/checkers.go CheckFirstPartyCaveat, around its own checkers and lnd macaroons/constraints.go
    'cannot parse caveat "": empty caveat',
    'cannot parse caveat " x": caveat starts with space character',
    'caveat "made-up x" not satisfied: caveat not recognized',
    'caveat "error gone" not satisfied: bad caveat',
    'caveat "declared" not satisfied: declared caveat has no value',
    'caveat "time-before 2020-01-01T00:00:00Z" not satisfied: macaroon has expired',
    'caveat "time-before x" not satisfied: parsing time "x" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse',
    'caveat "ipaddr 10.0.0.1" not satisfied: macaroon locked to different IP address',
    'caveat "ipaddr 10.0.0.1" not satisfied: unable to get peer info from context',
    'caveat "ipaddr 10.0.0.1" not satisfied: unable to parse peer address',
    'caveat "iprange 10.0.0.0/8" not satisfied: macaroon locked to different IP range',
    'caveat "iprange x" not satisfied: unable to parse macaroon IP range: invalid CIDR address: x',
    "caveat \"lnd-custom a b\" not satisfied: cannot accept macaroon with custom caveat 'a', no middleware registered",
    'caveat "lnd-custom" not satisfied: expected custom caveat, got empty string',
    'caveat "lnd-custom  a" not satisfied: unexpected white space found in caveat condition',
    # bakery/error.go
    "permission denied",
    "macaroon discharge required: some operations have extra caveats",
]

# Texts that a handler may return, perhaps after it has executed the call.
OTHERS = [
    "rpc error: code = Unknown desc = permission denied",
    "unable to sign: rpc error: code = Unknown desc = verification failed: signature mismatch",
    "ERROR: permission denied for table payments (SQLSTATE 42501)",
    "open /lnd/data/channel.db: permission denied",
    "payment failed: unmarshal v2: invalid macaroon header",
    "invalid ID 7",
    "cannot retrieve macaroon",
]
