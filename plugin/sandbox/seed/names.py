"""Names and places of the store's pretend customers, read from `names.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# Letters with a plain cousin, for mail addresses; what is outside a–z after this is left out.
LATIN_FOLD = str.maketrans(
    "äöüßáàâãåéèêëíìîïóòôõøúùûñçşğıİłśźżćńąęÄÖÜÉÈÀÇŞĞÍÓÖŁŚŻŹĆŃÔÁÅØ",
    "aousaaaaaeeeeiiiiooooouuuncsgiilszzcnaeAOUEEACSGIOOLSZZCNOAAO",
)


@dataclass(frozen=True)
class Pool:
    """Names and cities (with postcodes) of one language; `share` is its weight among all customers."""

    locale: str
    country: str
    country_name: str
    share: int
    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]


@cache
def pools() -> tuple[Pool, ...]:
    """All languages in the order of the file."""
    return tuple(_pool(row) for row in _file()["pools"])


@cache
def curious() -> tuple[tuple[Pool, str, str], ...]:
    """Names that break things: (pool, given, family); either part may be empty."""
    by_locale = {pool.locale: pool for pool in pools()}
    return tuple((by_locale[locale], given, family) for locale, given, family in _file()["curious"])


@cache
def streets() -> tuple[str, ...]:
    """Streets without numbers."""
    return tuple(_file()["streets"].split())


def mail_letters(name: str) -> str:
    """The name in a–z, such as `osik` for `Ośik`; empty when its alphabet has no such letters."""
    return "".join(letter for letter in name.translate(LATIN_FOLD).lower() if letter.isascii() and letter.isalpha())


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def _pool(row: dict[str, Any]) -> Pool:
    given, family = (tuple(row[part].split()) for part in ("given", "family"))
    cities = tuple((city, postcode) for city, postcode in row["cities"])
    return Pool(row["locale"], row["country"], row["country_name"], row["share"], given, family, cities)
