"""The store's pretend customers: names, addresses, consent, taste."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from plugin.sandbox.records import Address, Consent, Customer
from plugin.sandbox.seed.catalogue import DECAF, ESPRESSO, FILTER
from plugin.sandbox.seed.habits import Habit, buying_moments, pick_habit
from plugin.sandbox.seed.names import Pool, curious, mail_letters, pools, streets
from plugin.sandbox.seed.numbering import Numbering

MAIL_HOSTS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")
CONSENT_STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending")
CONSENT_WEIGHTS = (46, 38, 12, 4)
OPT_IN = {"subscribed": "confirmed_opt_in", "unsubscribed": "single_opt_in", "pending": "single_opt_in"}


@dataclass
class Person:
    """A customer record together with what only the seed knows: the habit, the taste and when he or she buys."""

    customer: Customer
    habit: Habit
    taste: str
    moments: list[datetime]
    usual: list[tuple[int, int]] = field(default_factory=list)


def make_people(count: int, today: date, dice: Random, numbering: Numbering) -> list[Person]:
    """`count` people; the first few bear the curious names, so that they exist in the smallest world too."""
    return [_person(index, today, dice, numbering) for index in range(count)]


def _person(index: int, today: date, dice: Random, numbering: Numbering) -> Person:
    pool, given, family = _name(index, dice)
    habit = pick_habit(dice)
    moments = buying_moments(habit, today, dice)
    customer = _customer(index, (pool, given, family), _since(moments, today, dice), dice, numbering)
    customer.updated_at = max([customer.created_at, *moments])
    customer.email_consent = _email_consent(customer, dice)
    customer.sms_consent = _sms_consent(customer, dice)
    customer.tags = _tags(habit, customer, dice)
    taste = dice.choices((FILTER, ESPRESSO, DECAF), (50, 40, 10))[0]
    return Person(customer, habit, taste, moments)


def _name(index: int, dice: Random) -> tuple[Pool, str, str]:
    if index % 4 == 3 and index // 4 < len(curious()):
        return curious()[index // 4]
    pool = dice.choices(pools(), [pool.share for pool in pools()])[0]
    return pool, dice.choice(pool.given), dice.choice(pool.family)


def _customer(index: int, name: tuple[Pool, str, str], since: datetime, dice: Random, numbering: Numbering) -> Customer:
    pool, given, family = name
    return Customer(
        id=numbering.next("customer"),
        created_at=since,
        updated_at=since,
        email=None if dice.random() < 0.04 else _email(index, given, family, dice),
        phone=f"+49302312{5000 + index // 5:04d}" if index % 5 == 2 and index < 5000 else None,
        first_name=given or None,
        last_name=family or None,
        verified_email=dice.random() < 0.9,
        locale=pool.locale,
        addresses=[_address(pool, given, family, dice, numbering)] if dice.random() < 0.9 else [],
    )


def _email(index: int, given: str, family: str, dice: Random) -> str:
    """An address that is unique in the world and readable where the name can be written in a–z."""
    local = ".".join(filter(None, (mail_letters(given), mail_letters(family))))[:40].strip(".")
    return f"{local or 'guest'}{index}@{dice.choice(MAIL_HOSTS)}"


def _address(pool: Pool, given: str, family: str, dice: Random, numbering: Numbering) -> Address:
    city, postcode = dice.choice(pool.cities)
    return Address(
        id=numbering.next("address"),
        first_name=given or None,
        last_name=family or None,
        address1=f"{dice.choice(streets())} {dice.randint(1, 148)}",
        city=city,
        zip=postcode,
        country=pool.country_name,
        country_code=pool.country,
    )


def _since(moments: list[datetime], today: date, dice: Random) -> datetime:
    """People register shortly before they first buy; those who never bought registered at any time."""
    first = moments[0] if moments else _any_moment(today, dice)
    return first - timedelta(minutes=dice.randint(3, 4000))


def _any_moment(today: date, dice: Random) -> datetime:
    midnight = datetime.fromisoformat(f"{today.isoformat()}T00:00:00+00:00")
    return midnight - timedelta(minutes=dice.randint(1500, 600 * 1440))


def _email_consent(customer: Customer, dice: Random) -> Consent:
    if not customer.email:
        return Consent()
    state = dice.choices(CONSENT_STATES, CONSENT_WEIGHTS)[0]
    moment = customer.created_at + timedelta(minutes=2) if state in OPT_IN else None
    return Consent(state=state, opt_in_level=OPT_IN.get(state), updated_at=moment)


def _sms_consent(customer: Customer, dice: Random) -> Consent:
    if not customer.phone or dice.random() < 0.6:
        return Consent()
    moment = customer.created_at + timedelta(minutes=2)
    return Consent(state="subscribed", opt_in_level="single_opt_in", updated_at=moment, collected_from="SHOPIFY")


def _tags(habit: Habit, customer: Customer, dice: Random) -> list[str]:
    tags = ["wholesale"] if habit.name == "whale" and dice.random() < 0.4 else []
    if customer.email_consent.state == "subscribed":
        tags.append("newsletter")
    return tags + (["tasting-club"] if dice.random() < 0.04 else [])
