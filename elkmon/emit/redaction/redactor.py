"""Take secrets and personal data out: by the name that they stand under, and by their looks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from types import MappingProxyType

from elkmon.emit.redaction.patterns import ASSIGNMENT, PATTERNS, Pattern, clues
from elkmon.events.errors import ConfigError

__all__ = ["REDACTED", "SCHEMES", "WORDS", "Redactor"]

REDACTED = "[redacted]"

_CACHED = 10_000
_CACHED_LENGTH = 200

SCHEMES = frozenset({"bearer", "basic", "digest", "negotiate"})
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANYWHERE = _listed(
    "accesskey accesstoken apikey apikeys authheader authtoken bearertoken cardnumber "
    "clientsecret credential credentials creditcard csrfmiddlewaretoken csrftoken cvc cvv "
    "cvv2 iban idtoken jsessionid passphrase passwd password passwords phpsessid privatekey "
    "pwd refreshtoken secret secretkey secrets sessid sessionid sessiontoken ssn xsrftoken"
)
"""Words that make a name secret wherever they stand in it."""
_LAST = _listed("authorization cookie cookies csrf jwt xsrf")
"""Words that do when they are the last: ``cookie_banner`` is none."""
_ALONE = _listed("auth bearer pat token")
"""Words that do when there is no other."""
_PAIRS = frozenset(
    tuple(pair.split("_"))
    for pair in _listed(
        "access_key access_keys access_token account_key account_number api_key api_keys "
        "api_token auth_header auth_token authorization_code bearer_token bot_token card_number "
        "client_token connection_string credit_card csrf_token debit_card device_token "
        "encryption_key github_token gitlab_token id_token master_key national_id oauth_token "
        "pass_code pass_word passport_number personal_token pin_code private_key push_token "
        "refresh_token reset_token secret_key secret_token security_code security_token "
        "service_key session_id session_token set_cookie shared_key signing_key signing_secret "
        "slack_token social_security ssh_key subscription_key tax_id user_token "
        "verification_token webhook_token xsrf_token"
    )
)
"""Two words in a row that do."""
_ABOUT = _listed(
    "age attempts budget changed count counts days enabled expired expires expiry len length "
    "limit missing policy present rate ratio required score size strength type usage valid"
)
"""A last word that makes a name one about a secret, which itself is none."""
WORDS = MappingProxyType(
    {"anywhere": _ANYWHERE, "last": _LAST, "alone": _ALONE, "pairs": _PAIRS, "about": _ABOUT}
)
"""All of these, for others who redact by the same rules."""


def words(name: str) -> list[str]:
    """Split a name into words: camelCase, snake, kebab, dots and digits."""
    return [part.lower() for part in _PARTS.findall(name)]


class Redactor:
    """Redact names' values and texts.

    Args:
        keys: more names whose values are secret; each is found as whole words in a name.
        patterns: more patterns to take out of texts.
        enabled: off, everything is left as it is.

    Raises:
        ConfigError: a pattern that is no regular expression, or that matches the empty text.
    """

    def __init__(
        self,
        *,
        keys: Iterable[str] = (),
        patterns: Iterable[str | re.Pattern[str]] = (),
        enabled: bool = True,
    ) -> None:
        self._enabled = enabled
        self._own_keys = tuple(tuple(words(key)) for key in keys if words(key))
        self._own = tuple(Pattern("custom", "", _compiled(pattern)) for pattern in patterns)
        self._keys: dict[str, bool] = {}
        self._texts: dict[str, str] = {}

    def key(self, name: str) -> bool:
        """Return whether what stands under a name is secret."""
        known = self._keys.get(name)
        if known is None:
            known = self._enabled and self._secret(name)
            if len(self._keys) >= _CACHED:
                self._keys.clear()
            if len(name) <= _CACHED_LENGTH:
                self._keys[name] = known
        return known

    def text(self, value: str) -> str:
        """Return a text without what is secret in it; equal where nothing was found."""
        known = self._texts.get(value)
        if known is not None:
            return known
        text = self.redact(value)
        if len(value) <= _CACHED_LENGTH:
            if len(self._texts) >= _CACHED:
                self._texts.clear()
            self._texts[value] = text
        return text

    def harmless(self, text: str) -> bool:
        """Return whether a text surely has nothing secret in it; many may be looked at as one."""
        return not self._enabled or not (self._own or "=" in text or ":" in text or clues(text))

    def _secret(self, name: str) -> bool:
        if name.startswith("gen_ai.usage"):
            return False
        parts = words(name[:_CACHED_LENGTH])
        if not parts:
            return False
        for own in self._own_keys:
            if any(tuple(parts[i : i + len(own)]) == own for i in range(len(parts))):
                return True
        if parts[-1] in _ABOUT:
            return False
        if len(parts) == 1 and parts[0] in _ALONE:
            return True
        return (
            parts[-1] in _LAST
            or not _ANYWHERE.isdisjoint(parts)
            or "".join(parts) in _ANYWHERE
            or not _PAIRS.isdisjoint(pairwise(parts))
        )

    def redact(self, value: str) -> str:
        """Return a text without what is secret in it, and remember nothing of it."""
        if not self._enabled:
            return value
        for own in self._own:
            value = own.regex.sub(f"[redacted:{own.kind}]", value)
        hints = clues(value)
        if self._own_keys and ("=" in value or ":" in value):
            hints.append("=")
        if not hints:
            return value
        for pattern in PATTERNS:
            if pattern.clue in hints:
                value = _replace(pattern, value)
        return self._assignments(value) if "=" in value or ":" in value else value

    def _assignments(self, text: str) -> str:
        parts: list[str] = []
        done = start = 0
        while match := ASSIGNMENT.search(text, start):
            if self.key(match["name"]):
                parts += text[done : match.start()], self._assignment(match)
                done = start = match.end()
            else:  # what it says may be one: ValueError: password=…
                start = match.start("value")
        return "".join(parts) + text[done:]

    def _assignment(self, match: re.Match[str]) -> str:
        name, value = match["name"], match["value"]
        if match["after"] or "[redacted" in value:
            return match[0]  # code such as password = read(), or done already
        if value.lower() in SCHEMES:
            return match[0]  # what follows it is a pattern of its own
        prose = match["sign"].strip() == ":" and not match["quote"] and words(name) == ["token"]
        if prose and not any(c.isdigit() for c in value):
            return match[0]  # "unexpected token: end"
        edge = value[: value.find(value.strip("\\\"'"))] if value[0] in "\\\"'" else ""
        return f"{match['before']}{edge}{REDACTED}{edge}"


def _replace(pattern: Pattern, value: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        if pattern.check is not None and not pattern.check(match[0]):
            return match[0]
        kept = match["keep"] if "keep" in pattern.regex.groupindex else ""
        return f"{kept}[redacted:{pattern.kind}]"

    return pattern.regex.sub(replacement, value)


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        regex = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(
            f"redact_patterns: {pattern!r} is no regular expression: {error}"
        ) from error
    if regex.match("") is not None:
        raise ConfigError(f"redact_patterns: {pattern!r} matches the empty text, so everything")
    return regex
