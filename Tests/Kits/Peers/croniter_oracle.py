"""When cron expressions fire, as others compute it: one JSON object a line, for Tests/JobsTests/CronPeerTests.swift.

    croniter_oracle.py croniter SEED COUNT    croniter, in UTC and in zones, away from changes of the clock
    croniter_oracle.py crondst SEED COUNT     crondst, which follows Vixie's cron, around changes of the clock
    croniter_oracle.py zones ZONE...          every change of a zone's offset from 1970 to 2037, by zoneinfo
"""
import datetime
import json
import random
import sys
import zoneinfo

import croniter
import crondst

UTC = datetime.timezone.utc
ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kathmandu",
    "America/St_Johns", "Africa/Casablanca", "Pacific/Chatham", "Europe/Dublin",
]
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
TIMES = 12


def local(zone: str, second: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(second, zoneinfo.ZoneInfo(zone) if zone != "UTC" else UTC)


def offset(zone: str, second: int) -> int:
    return int(local(zone, second).utcoffset().total_seconds())


def changes(zone: str, first: int, last: int) -> list[int]:
    """The seconds in which the zone's offset changes: by steps of six hours, then by halves."""
    found, second, here = [], first, offset(zone, first)
    while second < last:
        following = min(second + 6 * 3600, last)
        if offset(zone, following) != here:
            low, high = second, following
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == here else (low, middle)
            found.append(high)
            following, here = high, offset(zone, high)
        second = following
    return found


class Writer:
    """Writes random expressions; `extended` with what Vixie's cron does not know."""

    def __init__(self, dice: random.Random, extended: bool):
        self.dice, self.extended = dice, extended

    def element(self, low: int, high: int, names: list[str]) -> str:
        def shown(value: int) -> str:
            return names[value - low] if names and self.dice.random() < 0.5 else str(value)

        first, second = sorted(self.dice.sample(range(low, high + 1), 2))
        kind = self.dice.randrange(6)
        if kind <= 2:
            return shown(first)
        if kind == 3:
            return f"{shown(first)}-{shown(second)}"
        if kind == 4:
            return f"{shown(first)}-{shown(second)}/{self.dice.randint(1, min(9, high))}"
        return f"*/{self.dice.randint(1, high if high < 30 else 20)}"

    def field(self, low: int, high: int, star: float, names: list[str] = []) -> str:
        if self.dice.random() < star:
            return "*"
        count = self.dice.choice([1, 1, 1, 2, 3])
        parts = [self.element(low, high, names) for _ in range(count)]
        # Whether a * in the midst of a list leaves a field unrestricted is where programs differ.
        plain = [part for part in parts if "*" not in part]
        return ",".join(plain) if plain and count > 1 else parts[0]

    def expression(self) -> str:
        minute, hour = self.field(0, 59, 0.15), self.field(0, 23, 0.3)
        day, month = self.field(1, 31, 0.6), self.field(1, 12, 0.7, MONTHS)
        weekday = self.field(0, 6, 0.6, WEEKDAYS).lower()
        if self.extended:
            kind = self.dice.randrange(8)
            if kind == 0:
                day, weekday = "L", "*"
            elif kind == 1:
                day, weekday = "*", f"{self.dice.choice(WEEKDAYS)}#{self.dice.randint(1, 5)}"
            elif kind == 2:
                weekday = self.dice.choice(["FRI-MON", "SAT-SUN", "THU-TUE", "5-7", "7", "0-7", "6-1"])
            elif kind == 3:
                minute = f"{self.dice.randrange(30)}/{self.dice.randint(2, 20)}"
        return " ".join([minute, hour, day, month, weekday])


def by_croniter(dice: random.Random) -> dict | None:
    expression = Writer(dice, extended=True).expression()
    zone = dice.choice(ZONES + ["UTC"] * len(ZONES))
    after = dice.randrange(946_684_800, 2_114_380_800) // 60 * 60
    try:
        # The "cron bug" is crontab(5)'s rule that a field with a * does not restrict the day.
        forward = croniter.croniter(expression, local(zone, after), implement_cron_bug=True)
        times = [int(forward.get_next(datetime.datetime).timestamp()) for _ in range(TIMES)]
        backward = croniter.croniter(expression, local(zone, after), implement_cron_bug=True)
        before = [int(backward.get_prev(datetime.datetime).timestamp()) for _ in range(TIMES)]
    except croniter.CroniterBadDateError:
        return None
    if zone != "UTC":
        times, before = quiet(zone, after, times), quiet(zone, after, before)
    return {"expression": expression, "zone": zone, "after": after, "next": times, "previous": before}


def quiet(zone: str, after: int, times: list[int]) -> list[int]:
    """Those up to the first change of the clock: there croniter fires wildcards in gaps, and not in both passes."""
    kept, last = [], after
    for time in times:
        low, high = sorted([last, time])
        if high - low > 800 * 86_400 or changes(zone, low - 2 * 86_400, high + 2 * 86_400):
            return kept
        kept.append(time)
        last = time
    return kept


def by_crondst(dice: random.Random) -> dict | None:
    zone = dice.choice(ZONES)
    year = dice.randint(1990, 2030)
    first = int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp())
    # It takes gaps and repeated times to touch a whole hour; in Chatham and, until 2011, St John's they do not.
    moments = changes(zone, first, first + 366 * 86_400)
    if not moments or any((change + offset(zone, change - 1)) % 3600 for change in moments):
        return None
    after = (dice.choice(moments) - dice.randrange(3 * 86_400)) // 60 * 60
    expression = Writer(dice, extended=False).expression()
    if dice.random() < 0.5:
        # Often, for what happens in the night of the change.
        expression = " ".join([dice.choice(["0", "30", "15,45", "*/20", "*", "5-50/15"]),
                               dice.choice(["*", "0-3", "1,2", "2", "*/2", "0", "3"]), "*", "*", "*"])
    times = []
    try:
        firings = crondst.CronDst(expression).iter(local(zone, after))
    except crondst.CronDstError:
        return None
    for _, time in zip(range(TIMES * 2), firings):
        times.append(int(time.timestamp()))
    # Those that a gap leaves out come one by one there, all at its end; here they are one firing.
    return {"expression": expression, "zone": zone, "after": after, "next": sorted(set(times)), "previous": []}


def main(mode: str, *arguments: str) -> None:
    if mode == "zones":
        for zone in arguments:
            moments = changes(zone, 0, 2_145_916_800)
            print(json.dumps({"zone": zone, "changes": [[moment, offset(zone, moment)] for moment in moments]}))
        return
    seed, count = (int(argument) for argument in arguments)
    dice = random.Random(seed)
    written = 0
    while written < count:
        found = {"croniter": by_croniter, "crondst": by_crondst}[mode](dice)
        if found and (found["next"] or found["previous"]):
            print(json.dumps(found))
            written += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
