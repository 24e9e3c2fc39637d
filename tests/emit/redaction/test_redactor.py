"""What is secret is taken out; what only looks like it is left alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elkmon.emit.encode.remembered import PlainTexts
from elkmon.emit.redaction.patterns import PATTERNS, clues
from elkmon.emit.redaction.redactor import Redactor
from elkmon.events.errors import ConfigError


def listed(text):
    return text.split()


SECRET_KEYS = listed("""
password Password PASSWORD passwd pwd userPassword user_password password2 passphrase
secret client_secret clientSecret secrets.db api_key apiKey API_KEY apikey x-api-key X-API-Key
AWS_SECRET_ACCESS_KEY access_key accessToken access_token refresh_token id_token auth_token token
Authorization Proxy-Authorization cookie Set-Cookie session_id sessionId PHPSESSID csrf_token
private_key encryption_key credit_card creditCard card_number cvv cvc ssn iban credentials
connection_string headers.authorization oauth_token webhook_secret
""")

OPEN_KEYS = listed("""
input_tokens output_tokens max_tokens token_count token_ratio tokenizer next_token eos_token
passenger_count passport author authority co_author secretary compass bypass passed key keyword
primary_key feature_key key_count monkey cookie_banner cookies_enabled password_length
password_age secret_count session_length country amount authored_at gen_ai.usage.input_tokens
gen_ai.usage.token card_count cardinality issn pinned
""")

SECRETS = [
    ("Authorization: Bearer abc123def456ghi", "abc123def456ghi"),
    ("curl -H 'authorization: basic dXNlcjpwYXNz'", "dXNlcjpwYXNz="[:-1]),
    ("mail bob.smith+x@mail.example.co.uk today", "bob.smith+x@mail.example.co.uk"),
    ("paid with 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
    ("paid with 5500-0055-5555-5559", "5500-0055-5555-5559"),
    ("378282246310005", "378282246310005"),
    ("password=hunter2&next=1", "hunter2"),
    ("password: hunter2", "hunter2"),
    ("ValueError: password=hunter22", "hunter22"),
    ("failed: login: 'password=hunter22'", "hunter22"),
    ('{"api_key": "abc def", "n": 1}', "abc def"),
    ("{'client_secret': 'abcdef'}", "abcdef"),
    ('said {\\"password\\": \\"x y\\"} in JSON', "x y"),
    ("https://bob:s3cr3t@db.internal/x", "s3cr3t"),
    ("postgres://app:pa55@10.0.0.1:5432/db", "pa55"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("ghp_" + "a1B2" * 9, "a1B2a1B2"),
    ("glpat-" + "a1B2" * 5, "a1B2a1B2"),
    ("xoxb-123456789012-abcdef", "123456789012-abcdef"),
    ("sk-ant-api03-" + "a1B2" * 8, "a1B2a1B2"),
    ("sk_live_" + "a1B2" * 6, "a1B2a1B2"),
    ("AIza" + "a1B2c" * 7, "a1B2ca1B2c"),
    ("AccountKey=" + "a1B2" * 20 + "==;x", "a1B2a1B2"),
    ("https://x.blob/y?sp=r&sig=" + "a1B2" * 8, "a1B2a1B2"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3", "eyJzdWIi"),
    ("ssn 123-45-6789.", "123-45-6789"),
    ("account DE89370400440532013000", "DE89370400440532013000"),
    ("account GB82 WEST 1234 5698 7654 32", "1234 5698"),
    ("DNI 12345678Z", "12345678Z"),
    ("NIE X1234567L", "X1234567L"),
    ("NI AB 12 34 56 C", "12 34 56"),
    ("NIR 2 55 08 14 168 025 38", "168 025"),
]

HARMLESS = [
    "slow feature store",
    "order 1234567890123456 shipped",  # fails the check digit
    "4111111111111112",
    "0192f1b4-1111-7111-8111-111111111111",
    "01a20cc9-bd07-7001-96ef-28e58a57c889",
    "2026-11-24T08:00:00.123Z",
    "1732435200123",
    "+49 30 123456 78",
    "unexpected token: end",
    "basic authentication is off",
    "bearer certificates are fine",
    "password = read_password()",
    "the password was changed",
    "version 2.3.1 of fraud",
    "a @ b",
    "@decorator",
    "ratio 0.4111111111111111",
    "666-12-3456",  # not a number that is given out
    "12345678A",  # the letter is wrong
    "DE89370400440532013001",
    "http://host:8080/path@x",
    "token_count=512",
    'File "/srv/app/model.py", line 12, in predict',
    "c0ffee00c0ffee00c0ffee00c0ffee00",
]


@pytest.mark.parametrize("name", SECRET_KEYS)
def test_a_secret_name_is_told_by_its_words(name):
    assert Redactor().key(name)


@pytest.mark.parametrize("name", OPEN_KEYS)
def test_a_name_that_only_contains_such_letters_is_none(name):
    assert not Redactor().key(name)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_taken_out_of_a_text(text, secret):
    made = Redactor().text(text)

    assert secret in text
    assert secret not in made
    assert "[redacted" in made


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_is_left_as_it_is(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_stands_around_a_secret_stays(text, secret):
    made = Redactor().text(f"before it, {text} and after")

    assert made.startswith("before it, ")
    assert secret not in made


@pytest.mark.parametrize("text", [text for text, _ in SECRETS])
def test_redacting_twice_is_redacting_once(text):
    once = Redactor().text(text)

    assert Redactor().text(once) == once


@given(st.lists(st.sampled_from([text for text, _ in SECRETS] + HARMLESS), max_size=4))
def test_redacting_is_idempotent_for_any_mixture(parts):
    once = Redactor().text("\n".join(parts))

    assert Redactor().text(once) == once


looks = st.text("0123456789ABXYcdei@:=/.- \n", max_size=60)


@given(st.lists(st.sampled_from([text for text, _ in SECRETS] + HARMLESS) | looks, max_size=4))
def test_no_pattern_matches_where_nothing_hints_at_it(parts):
    text = " ".join(parts)

    for pattern in PATTERNS:
        match = pattern.regex.search(text)
        if match and (pattern.check is None or pattern.check(match[0])):
            assert pattern.clue in clues(text)


@given(st.lists(st.sampled_from([text for text, _ in SECRETS] + HARMLESS) | looks, min_size=1))
def test_many_texts_are_told_from_secrets_as_each_would_be(texts):
    plain = PlainTexts(Redactor())

    odd = plain.odd_ones(texts)

    assert sorted(odd) == sorted(text for text in texts if not plain[text])


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text):
    assert isinstance(Redactor().text(text), str)


@pytest.mark.parametrize(
    "unit",
    ["a", "1", "1 ", "a@", "a.", 'a="', "eyJ", "-----BEGIN PRIVATE KEY-----", "://", "AB12 ", "="],
)
def test_a_long_hostile_text_is_searched_to_its_end(unit):
    text = unit * (60_000 // len(unit)) + " bob@example.com"

    assert "bob@example.com" not in Redactor().text(text)


def test_own_keys_are_found_as_whole_words():
    redactor = Redactor(keys=["customer_name"])

    assert redactor.key("customerName")
    assert redactor.key("old_customer_name_2")
    assert not redactor.key("customer")
    assert not redactor.key("customernames")
    assert redactor.text("customer_name=Ada") == "customer_name=[redacted]"


def test_own_patterns_are_taken_out():
    redactor = Redactor(patterns=[r"CUST-\d+", re.compile("x{3}")])

    assert redactor.text("CUST-17 said xxx") == "[redacted:custom] said [redacted:custom]"


@pytest.mark.parametrize("pattern", ["(", "x*"])
def test_a_pattern_that_cannot_be_used_is_named(pattern):
    with pytest.raises(ConfigError, match=re.escape(repr(pattern))):
        Redactor(patterns=[pattern])


def test_switched_off_nothing_is_redacted():
    redactor = Redactor(enabled=False)

    assert not redactor.key("password")
    assert redactor.text("bob@example.com") == "bob@example.com"


def test_the_memory_of_names_and_texts_is_bounded(monkeypatch):
    monkeypatch.setattr("elkmon.emit.redaction.redactor._CACHED", 10)
    redactor = Redactor()

    for number in range(100):
        redactor.key(f"name{number}")
        redactor.text(f"text {number}")

    assert len(redactor._keys) <= 10
    assert len(redactor._texts) <= 10
