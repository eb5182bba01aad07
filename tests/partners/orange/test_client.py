"""Tokens, the public key, the PIN and errors of Orange's client, against the simulator and fixed answers."""

from __future__ import annotations

import base64
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.types import xof
from partners.config import NotConfigured
from partners.orange.client import OrangeClient
from partners.orange.config import orange_config
from partners.orange.errors import CallRefused, CredentialsRefused
from partners.orange.keys import encrypted_pin, read_public_key
from partners.orange.pins import forget_guards
from partners.wire import AnswerLost, NotReached
from sandbox.simulator.script import Step
from tests.partners.orange.answering import TOKEN, Answering, answering
from tests.partners.orange.calls import deadline, instruction, prepared
from tests.partners.orange.harness import ENVIRONMENT, OrangeHarness, forget_what_the_process_knows
from transfers.enums import FailureClass
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.types import Refused, Succeeded, TooLate, Unknown


def client() -> OrangeClient:
    return OrangeClient(orange_config())


# Tokens


def test_token_is_fetched_once_and_shared_by_clients(orange: OrangeHarness) -> None:
    for _ in range(3):
        client().account("771234567")

    assert orange.control.calls("token") == 1


def test_token_that_orange_refuses_is_fetched_again_and_the_call_repeated_once(orange: OrangeHarness) -> None:
    client().account("771234567")
    orange.control.call("revoke_tokens")

    assert client().account("771234567")["firstName"] == "Awa"
    assert (orange.control.calls("token"), orange.control.calls("account")) == (2, 3)


def test_token_ends_30_seconds_early(orange: OrangeHarness) -> None:
    """What is left of 40 s is kept for 20: half its life is longer than 10."""
    orange.control.set(token_seconds=40)
    client().account("771234567")
    orange.control.set(ahead_seconds=41)

    assert client().account("771234567")["firstName"] == "Awa"
    assert orange.control.calls("token") == 2


def test_payment_whose_token_is_refused_gets_a_new_one_within_its_deadline(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.control.call("revoke_tokens")

    assert isinstance(orange.rail().send(order, deadline=deadline()), Succeeded)
    assert orange.control.calls("cash_in") == 2
    assert len(orange.paid()) == 1


def test_payment_whose_token_is_refused_after_its_deadline_is_too_late(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was frozen while it waited: the answer is read when the deadline has passed."""
    monkeypatch.setenv("ORANGE_TIMEOUT_SECONDS", "15")
    order = prepared(orange)
    orange.control.call("revoke_tokens")
    number = orange.script_payout(Step(hold="before"))
    with ThreadPoolExecutor(1) as pool:
        late = deadline(4)
        sent = pool.submit(orange.rail().send, order, deadline=late)
        orange.wait_until_reached(number)
        while not late.has_passed:
            threading.Event().wait(0.02)
        orange.release(number)

        assert isinstance(sent.result(), TooLate)
    assert (orange.control.calls("cash_in"), orange.control.calls("token")) == (1, 1)


def test_payment_whose_new_token_is_refused_too_stops_the_rail(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.script_payout("unauthorized", times=2)

    refused = orange.rail().send(order, deadline=deadline())

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("credentials-refused", FailureClass.STOP)
    assert orange.control.calls("cash_in") == 2


@pytest.mark.parametrize(
    "changes", [{"client_secret": "another"}, {"client_id": "another"}, {"is_provisioned": False}]
)
def test_application_that_orange_refuses_stops_the_rail(
    orange: OrangeHarness, changes: dict[str, Any]
) -> None:
    order = prepared(orange)
    orange.control.set(**changes)
    forget_what_the_process_knows()

    with pytest.raises(RailCredentialsRefused):
        orange.rail().send(order, deadline=deadline())
    with pytest.raises(RailCredentialsRefused):
        orange.rail().balance()
    assert orange.control.calls("cash_in") == 0


@pytest.mark.parametrize("script", ["html", "lost-before", "error-before", "too-many-requests", "reset"])
def test_payment_without_a_token_sent_nothing(orange: OrangeHarness, script: str) -> None:
    order = prepared(orange)
    forget_what_the_process_knows()
    orange.control.script("token", script)

    with pytest.raises(RailUnavailable) as unavailable:
        orange.rail().send(order, deadline=deadline())
    assert not isinstance(unavailable.value, RailCredentialsRefused)
    assert orange.control.calls("cash_in") == 0


@pytest.mark.parametrize("lasts", ["299", 299])
def test_token_is_read_as_it_is_answered_live(monkeypatch: pytest.MonkeyPatch, lasts: Any) -> None:
    with answering([], token={**TOKEN, "expires_in": lasts}) as served:
        use(served, monkeypatch)
        assert list(client().transactions(reference="r-1")) == []

    asked, searched = served.received
    assert asked[:2] == ("POST", "/oauth/v1/token")
    assert asked[2]["content-type"] == "application/x-www-form-urlencoded"
    assert asked[3] == b"grant_type=client_credentials&client_id=sunusav&client_secret=orange-secret"
    assert searched[2]["authorization"] == "Bearer abc"
    assert searched[2]["user-agent"] == "SunuSav-monetization/1.0"


@pytest.mark.parametrize(
    "token",
    [{}, {"access_token": ""}, {"access_token": "abc"}, {"access_token": "abc", "expires_in": "soon"}],
)
def test_answer_without_a_usable_token_is_no_token(
    monkeypatch: pytest.MonkeyPatch, token: dict[str, Any]
) -> None:
    with answering([], token=token) as served:
        use(served, monkeypatch)
        with pytest.raises(NotReached, match="no access token"):
            list(client().transactions(reference="r-1"))
    assert len(served.received) == 1


# The public key


def test_key_that_was_revoked_is_fetched_again_and_the_payment_repeated_once(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.control.call("revoke_key")

    assert isinstance(orange.rail().send(order, deadline=deadline()), Succeeded)
    assert (orange.control.calls("cash_in"), orange.control.calls("public_key")) == (2, 2)
    assert len(orange.paid()) == 1


def test_key_that_was_revoked_is_fetched_again_for_a_balance(orange: OrangeHarness) -> None:
    orange.rail().balance()
    orange.control.call("revoke_key")

    assert orange.rail().balance() == xof(1_000_000)


def test_payment_whose_key_was_revoked_after_its_deadline_is_too_late(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORANGE_TIMEOUT_SECONDS", "15")
    order = prepared(orange)
    orange.control.call("revoke_key")
    number = orange.script_payout(Step(hold="before"))
    with ThreadPoolExecutor(1) as pool:
        late = deadline(4)
        sent = pool.submit(orange.rail().send, order, deadline=late)
        orange.wait_until_reached(number)
        while not late.has_passed:
            threading.Event().wait(0.02)
        orange.release(number)

        assert isinstance(sent.result(), TooLate)
    assert (orange.control.calls("cash_in"), orange.control.calls("public_key")) == (1, 1)


def test_pin_that_cannot_be_decrypted_with_the_newest_key_is_no_wrong_pin(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The padding is not the one that Orange uses."""
    order = prepared(orange)
    monkeypatch.setenv("ORANGE_RSA_PADDING", "oaep")

    refused = orange.rail().send(order, deadline=deadline())

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("pin-not-decrypted", FailureClass.RETRY)
    orange.control.set(rsa_padding="oaep")
    assert orange.rail().balance() == xof(1_000_000)


def test_key_is_read_with_and_without_lines_of_pem() -> None:
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048).public_key()
    der = base64.b64encode(made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    pem = made.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert read_public_key(der).public_numbers() == made.public_numbers()
    assert read_public_key(pem).public_numbers() == made.public_numbers()
    first, second = (encrypted_pin("4321", key=made, padding="pkcs1v15") for _ in range(2))
    assert (len(first), first == second) == (344, False)


def test_key_that_is_none_of_ours_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    other = base64.b64encode(curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    for text in ("", "no key", other):
        with pytest.raises(NotReached):
            read_public_key(text)
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024).public_key()
    with pytest.raises(NotReached, match="2048"):
        encrypted_pin("4321", key=short, padding="pkcs1v15")


# The PIN


def test_wrong_pin_is_tried_once_by_many_threads(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = prepared(orange)
    forget_guards()
    monkeypatch.setenv("ORANGE_PIN", "0000")
    rail = orange.rail()

    def ask(number: int) -> str:
        try:
            found = rail.sendable() if number % 2 else rail.send(order, deadline=deadline())
        except RailCredentialsRefused:
            return "refused"
        return "refused" if isinstance(found, Refused) and found.failure == FailureClass.STOP else repr(found)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(16))) == {"refused"}
    assert orange.control.calls("balance") + orange.control.calls("cash_in") == 2  # the first was to prepare
    assert orange.paid() == []


def test_new_pin_is_tried_after_another_was_refused(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORANGE_PIN", "0000")
    with pytest.raises(RailCredentialsRefused, match="2011"):
        orange.rail().balance()
    with pytest.raises(RailCredentialsRefused, match="is not tried again"):
        orange.rail().sendable()
    with pytest.raises(RailCredentialsRefused, match="is not tried again"):
        prepared(orange)
    assert orange.control.calls("balance") == 1

    monkeypatch.setenv("ORANGE_PIN", ENVIRONMENT["ORANGE_PIN"])
    assert orange.rail().balance() == xof(1_000_000)


def test_pin_that_was_accepted_and_is_refused_later_is_not_tried_again(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.control.set(pin="9999")

    refused = orange.rail().send(order, deadline=deadline())
    assert isinstance(refused, Refused)
    assert (refused.failure, refused.evidence) == (FailureClass.STOP, {"http_status": 400, "code": "2011"})
    with pytest.raises(RailCredentialsRefused):
        orange.rail().send(order, deadline=deadline())
    assert orange.control.calls("cash_in") == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"must_change_pin": True}, "2010"),
        ({"wrong_pins": 3}, "2013"),
        ({"wrong_pins": 1, "pin": "1"}, "2012"),
    ],
)
def test_every_refusal_of_the_pin_stops_the_rail(
    orange: OrangeHarness, changes: dict[str, Any], code: str
) -> None:
    orange.control.set(**changes)

    with pytest.raises(RailCredentialsRefused, match=code):
        orange.rail().sendable()


def test_calls_use_the_pin_side_by_side_once_it_was_accepted(orange: OrangeHarness) -> None:
    orange.rail().balance()
    number = orange.control.script("balance", Step(hold="before"))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(orange.rail().balance)
        orange.wait_until_reached(number)
        assert orange.rail().balance() == xof(1_000_000)
        orange.release(number)
        assert held.result() == xof(1_000_000)


# Answers


def use(served: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client call this host."""
    for variable, value in {**ENVIRONMENT, "ORANGE_URL": served.url}.items():
        monkeypatch.setenv(variable, value)
    forget_what_the_process_knows()


def test_refusal_keeps_status_code_and_names_of_fields_and_no_text(orange: OrangeHarness) -> None:
    orange.control.set(most_held=1)
    orange.control.script("cash_in", "ok")
    with pytest.raises(CallRefused) as refused:
        client().cash_in(phone="771234567", amount_xof=100, reference="x" * 51, deadline=deadline())

    assert refused.value.evidence == {"http_status": 400, "code": "24", "fields": ["reference"]}
    with pytest.raises(CallRefused) as full:
        client().cash_in(phone="771234567", amount_xof=100, reference="x", deadline=deadline())
    assert full.value.evidence == {"http_status": 400, "code": "2025"}


@pytest.mark.parametrize(
    "variable", ["ORANGE_CLIENT_ID", "ORANGE_API_KEY", "ORANGE_MSISDN", "ORANGE_PIN", "ORANGE_RSA_PADDING"]
)
def test_missing_variable_is_named_and_nothing_is_sent(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    order = prepared(orange)
    forget_what_the_process_knows()
    monkeypatch.setenv(variable, "none" if variable == "ORANGE_RSA_PADDING" else "")

    with pytest.raises(RailUnavailable, match=variable) as unavailable:
        orange.rail().send(order, deadline=deadline())
    assert not isinstance(unavailable.value, RailCredentialsRefused)
    assert orange.control.calls("cash_in") == 0


def test_reader_without_a_pin_finds_and_lists(orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the worker that pays has the PIN."""
    order = prepared(orange)
    paid = orange.rail().send(order, deadline=deadline())
    monkeypatch.setenv("ORANGE_PIN", "")

    assert orange.rail().find(order) == paid
    assert [line.reference for line in orange.rail().statement()] == [order.reference]
    with pytest.raises(NotConfigured):
        client().balance()


def test_search_asks_for_the_reference_and_a_moment_and_for_no_type(monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime(2026, 3, 4, 10, 0, 0, 379_000, tzinfo=UTC)
    with answering([]) as served:
        use(served, monkeypatch)
        assert list(client().transactions(reference="r-1", since=since)) == []

    method, path, headers, _ = served.received[-1]
    assert (method, headers["content-type"]) == ("GET", "application/json")
    assert path == (
        "/api/eWallet/v1/transactions?reference=r-1&fromDateTime=2026-03-04T10%3A00%3A00.379Z&page=0&size=500"
    )


@pytest.mark.parametrize("body", [b"{}", b'["x"]', b"", b"<html></html>", b"null"])
def test_search_that_lists_no_transactions_is_lost(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with answering(body) as served:
        use(served, monkeypatch)
        with pytest.raises(AnswerLost):
            list(client().transactions(reference="r-1"))


def test_search_that_repeats_its_pages_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering([{"transactionId": "CI260304.1000.C58502"}]) as served:
        use(served, monkeypatch)
        with pytest.raises(AnswerLost, match="repeats"):
            list(client().transactions())
        assert len(list(client().transactions(reference="r-1"))) == 1


def test_registration_of_callbacks_accepts_an_empty_answer(orange: OrangeHarness) -> None:
    client().register_callback(url="https://money.example.org/hooks", api_key="key-1")

    [registered] = orange.control.call("callbacks")
    assert (registered["callbackUrl"], registered["apiKey"]) == ("https://money.example.org/hooks", "key-1")


# Nothing secret or personal


def test_no_secret_or_phone_is_in_logs_errors_or_evidence(
    orange: OrangeHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    order = prepared(orange, recipient_name="Canary Name")
    texts = [repr(orange_config()), repr(instruction(recipient_name="Canary Name"))]
    for script in ("lost-after-accept", "unauthorized", "html", "ok"):
        orange.script_payout(script)
        texts.append(repr(orange.rail().send(order, deadline=deadline())))
        texts.append(repr(orange.rail().find(order)))
    orange.control.set(is_closed=True)
    with pytest.raises(RailUnavailable) as unavailable:
        orange.rail().balance()
    texts += [str(unavailable.value), repr(unavailable.value.stored_facts)]

    everything = "\n".join([*texts[:1], *texts[2:], caplog.text])
    for secret in ("orange-secret", "4321", "771234567", "Canary", "Awa", "Diop", "Bearer"):
        assert secret not in everything, secret


def test_frozen_orange_gives_no_answer_in_time(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.freeze()
    try:
        outcome = orange.rail().send(order, deadline=deadline())
    finally:
        orange.thaw()

    assert isinstance(outcome, Unknown)
    assert outcome.reason == "no-answer"


def test_killed_orange_remembers_what_it_paid(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.script_payout("lost-after-accept")
    orange.rail().send(order, deadline=deadline())
    orange.kill()
    with pytest.raises(RailUnavailable):
        orange.rail().find(order)
    orange.start()

    assert isinstance(orange.rail().find(order), Succeeded)


def test_credentials_refused_is_certainly_not_reached() -> None:
    assert issubclass(CredentialsRefused, NotReached)
