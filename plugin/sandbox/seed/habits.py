"""How differently people buy coffee, as one table, and the moments at which each of them does."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

STORE_ZONE = ZoneInfo("Europe/Berlin")
HISTORY_DAYS = 730

# Hours of the store's day, as often as people buy in them.
BUSY_HOURS = (7, 7, 8, 8, 9, 10, 11, 12, 12, 13, 15, 17, 18, 19, 19, 20, 20, 20, 21, 21, 22, 23)


@dataclass(frozen=True)
class Habit:
    """`share` in per mille of all customers; days count back from the anchor; `cycle` is days from order to order."""

    name: str
    share: int
    orders: tuple[int, int]
    cycle: tuple[int, int] = (30, 30)
    first: tuple[int, int] = (1, HISTORY_DAYS)
    quiet: tuple[int, int] = (1, 1)
    lines: tuple[int, int] = (1, 2)
    units: int = 1
    loyalty: float = 0.5
    gear: float = 0.2
    code: float = 0.08
    regrets: float = 0.05


HABITS = (
    Habit("once", 450, (1, 1), lines=(1, 3), gear=0.35, code=0.3, regrets=0.07),
    Habit("browser", 55, (0, 0)),
    Habit("occasional", 215, (2, 5), cycle=(60, 190), first=(120, HISTORY_DAYS), loyalty=0.4, gear=0.3),
    Habit("regular", 140, (5, 30), cycle=(21, 49), first=(150, HISTORY_DAYS), units=2, loyalty=0.7, gear=0.1),
    Habit("lapsed", 110, (3, 9), cycle=(18, 45), first=(400, HISTORY_DAYS), quiet=(190, 380), loyalty=0.6, gear=0.2),
    Habit(
        "whale", 18, (18, 44), cycle=(9, 20), first=(300, HISTORY_DAYS), lines=(2, 5), units=5, loyalty=0.6, gear=0.3
    ),
    Habit("newcomer", 12, (1, 3), cycle=(7, 16), first=(2, 30), lines=(1, 3), gear=0.4, code=0.5),
)


def pick_habit(dice: Random) -> Habit:
    """One habit, drawn by its share."""
    return dice.choices(HABITS, [habit.share for habit in HABITS])[0]


def buying_moments(habit: Habit, today: date, dice: Random) -> list[datetime]:
    """The moments (UTC, rising, all before the anchor day) at which a person of this habit orders."""
    count = dice.randint(*habit.orders)
    if not count:
        return []
    ago = float(_first_day(habit, dice))
    stop = dice.randint(*habit.quiet)
    rhythm = dice.randint(*habit.cycle)
    moments: list[datetime] = []
    while ago >= stop and len(moments) < count:
        moments.append(_moment(today - timedelta(days=int(ago)), dice))
        ago -= max(2.0, dice.gauss(rhythm, rhythm * 0.18))
    return moments or [_moment(today - timedelta(days=stop), dice)]


def _first_day(habit: Habit, dice: Random) -> int:
    """Days before the anchor of the first order: the store grows, so recent months see more beginners."""
    low, high = habit.first
    return min(dice.randint(low, high), dice.randint(low, high + high // 3), high)


def _moment(day: date, dice: Random) -> datetime:
    at = time(dice.choice(BUSY_HOURS), dice.randrange(60), dice.randrange(60))
    return datetime.combine(day, at, STORE_ZONE).astimezone(ZoneInfo("UTC"))
