"""What secrets and personal data look like in a text: patterns and checks.

A pattern alone is not enough where harmless texts look alike: card numbers need their check digit,
national ids theirs, and an assignment a name that is known to hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ASSIGNMENT", "PATTERNS", "Pattern", "clues"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret.

    Attributes:
        kind: as it stands in ``[redacted:kind]``.
        clue: what a text has that holds one, as :func:`clues` names it.
        regex: finds it; group ``keep``, where there is one, stays.
        check: says whether a match is one; every match is where there is none.
    """

    kind: str
    clue: str
    regex: re.Pattern[str]
    check: Callable[[str], bool] | None = None


def _luhn(text: str) -> bool:
    """Return whether check digit, length and first digit are those of a card (ISO/IEC 7812)."""
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1 or digits[0] not in {2, 3, 4, 5, 6}:  # noqa: PLR2004
        return False
    odd = sum(digits[-1::-2])
    even = sum(2 * d - 9 * (d > 4) for d in digits[-2::-2])  # noqa: PLR2004 - 2 · 5 has two digits
    return (odd + even) % 10 == 0


def _iban(text: str) -> bool:
    """Return whether the check digits are those of an IBAN (ISO 13616, mod 97)."""
    code = text.replace(" ", "")
    if not 15 <= len(code) <= 34:  # noqa: PLR2004 - Norway's and the longest allowed
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def _dni(text: str) -> bool:
    """Return whether the letter is that of a Spanish DNI or NIE."""
    code = text.replace("-", "")
    number = str("XYZ".find(code[0])) + code[1:-1] if code[0] in "XYZ" else code[:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == code[-1]


def _nir(text: str) -> bool:
    """Return whether the key is that of a French NIR."""
    code = text.replace(" ", "").upper()
    number = code[:-2].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(code[-2:])


def _token(text: str) -> bool:
    """Return whether a word is a credential rather than the next one of a sentence."""
    word = text.rsplit(maxsplit=1)[-1]
    mixed = any(c.isupper() for c in word[1:]) and any(c.islower() for c in word)
    return len(word) >= 20 or mixed or any(c.isdigit() or c == "=" for c in word)  # noqa: PLR2004


_KEYS = (
    r"(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}",  # AWS
    r"AIza[0-9A-Za-z_\-]{35}",  # Google
    r"ya29\.[0-9A-Za-z_\-]{20,400}",
    r"gh[pousr]_[A-Za-z0-9]{36,255}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,255}",
    r"glpat-[A-Za-z0-9_\-]{20,64}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}",  # Slack
    r"(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,250}",  # Stripe
    r"sk-[A-Za-z0-9_\-]{20,250}",  # OpenAI, Anthropic
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_\-]{16,250}",
    r"hf_[A-Za-z0-9]{30,40}",  # Hugging Face
    r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}",  # SendGrid
    r"dop_v1_[a-f0-9]{64}",  # DigitalOcean
    r"(?<=AccountKey=)[A-Za-z0-9+/]{40,100}={0,2}",  # Azure
    r"(?<=[?&]sig=)[A-Za-z0-9%+/]{20,200}={0,2}",
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private_key",
        "begin",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
            r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
        ),
    ),
    Pattern(
        "jwt",
        "word",
        re.compile(r"\beyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{8,4000}(?:\.[A-Za-z0-9_\-]*)?"),
    ),
    Pattern("key", "word", re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_KEYS)})")),
    Pattern(
        "authorization",
        "scheme",
        re.compile(
            r"(?i)(?P<keep>\b(?:bearer|basic|digest|negotiate)\s{1,3})"
            r"[A-Za-z0-9\-._~+/]{6,4000}=*"
        ),
        _token,
    ),
    Pattern(
        "url",
        "://",
        re.compile(
            r"(?i)(?P<keep>\b[a-z][a-z0-9+.\-]{1,20}://)[^\s/@:]{0,100}:[^\s/@]{1,200}(?=@)"
        ),
    ),
    Pattern(
        "email",
        "@",
        re.compile(r"(?<![\w.%+\-])[\w.%+\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@])"),
    ),
    Pattern(
        "iban",
        "digits",
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"
            r"(?![A-Za-z0-9])"
        ),
        _iban,
    ),
    Pattern(
        "national_id",
        "digits",
        re.compile(r"(?<![\w\-])[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?![\w\-])"),
        _nir,
    ),
    Pattern(
        "card",
        "digits",
        re.compile(
            r"(?<![\w.\-+])(?:\d{13,19}|\d{4}(?P<gap>[ \-])\d{4}(?P=gap)\d{4}(?P=gap)\d{1,7}"
            r"|\d{4}[ \-]\d{6}[ \-]\d{5})(?![\w\-]|\.\d)"
        ),
        _luhn,
    ),
    Pattern(
        "national_id",
        "digits",
        re.compile(r"(?<![\w\-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w\-])"),
    ),
    Pattern(
        "national_id",
        "digits",
        re.compile(
            r"(?<![\w\-])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r" ?\d\d ?\d\d ?\d\d ?[A-D](?![\w\-])"
        ),
    ),
    Pattern(
        "national_id",
        "digits",
        re.compile(r"(?<![\w\-])(?:\d{8}|[XYZ]\d{7})-?[A-Z](?![\w\-])"),
        _dni,
    ),
)

ASSIGNMENT = re.compile(
    r"""(?P<before>(?P<quote>\\?["']?)(?P<name>[A-Za-z][\w.\-]{1,60})(?P=quote)"""
    r"""(?P<sign>\s{0,3}[:=]\s{0,3}))"""
    r"""(?P<value>\\?"(?:[^"\\]|\\(?!")){1,2000}\\?"|'[^'\\]{1,2000}'"""
    r"""|[^\s"'&,;()\[\]{}\\]{1,2000})(?P<after>[(\[]?)"""
)
"""``name=value``, ``name: value`` and ``"name": "value"`` in a text, JSON within text included."""

_DIGITS_AND_CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = re.compile(r"[0-9](?<![0-9]{2})(?:[ \-]?[0-9A-Z]){6}")
_LONG_WORD = re.compile(r"\S{16}")
_RUN, _WORD = b"0" * 7, b"0" * 16
_AS_RUN = bytes(48 if chr(byte) in _DIGITS_AND_CAPITALS else 46 for byte in range(256))
_AS_WORD = bytes(32 if chr(byte).isspace() and byte < 128 else 48 for byte in range(256))  # noqa: PLR2004 - ASCII
"""Make one byte of what a pattern asks for, so that its length is found in a tenth of the time."""
_WORDS = (
    *("pass", "pwd", "secret", "token", "key", "auth", "cook", "cred", "sess", "csrf", "xsrf"),
    *("cvv", "cvc", "ssn", "iban", "card", "jwt", "pat", "social", "account", "code", "tax", "id"),
    *("connection", "national"),
)
_SHORT = 8
"""Characters: what is shorter holds nothing but an assignment or an address."""


def clues(text: str) -> list[str]:
    """Return in about a microsecond what hints at something of the above; mostly there is nothing.

    ``=`` stands for an assignment, the others are those of the patterns.
    """
    found = ["@"] if "@" in text else []
    if "=" in text or ":" in text:
        low = text.lower()
        if len(text) < _SHORT or any(word in low for word in _WORDS):
            found.append("=")
        if "://" in text:
            found.append("://")
    if len(text) < _SHORT:
        return found
    data = text.encode("utf-8", "replace")
    if _RUN in data.translate(_AS_RUN, b" -") and _DIGITS.search(text) is not None:
        found.append("digits")
    if _WORD in data.translate(_AS_WORD) and _LONG_WORD.search(text) is not None:
        found.append("word")
    low = text.lower()
    if "bearer" in low or "basic" in low or "digest" in low or "negotiate" in low:
        found.append("scheme")
    if "-----begin" in low:
        found.append("begin")
    return found
