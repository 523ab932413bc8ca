"""Random tables of random types with random values and names, the same for the same seed."""
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field

Make = Callable[[random.Random], str]


def text(r: random.Random, most: int = 24) -> str:
    """Any characters that PostgreSQL takes: all but NUL and surrogates."""
    def character() -> str:
        kind = r.random()
        if kind < 0.5:
            return r.choice(string.printable + "\"'\\,;{}[]()%$\x01\x7f")
        if kind < 0.53:
            return r.choice("\ufeff\ufffe\uffff")
        number = r.randint(1, 0x2FFF) if kind < 0.85 else r.randint(1, 0x10FFFF)
        return "😀" if 0xD800 <= number <= 0xDFFF else chr(number)

    return "".join(character() for _ in range(r.choice((0, 1, r.randint(0, most)))))


def whole(bits: int) -> Make:
    return lambda r: str(r.choice((0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), r.randint(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))))


def decimal(before: int, after: int) -> Make:
    def make(r: random.Random) -> str:
        digits = "".join(r.choice(string.digits) for _ in range(r.randint(0, before))) or "0"
        point = "." + "".join(r.choice(string.digits) for _ in range(r.randint(1, after))) if after and r.random() < 0.8 else ""
        return r.choice(("", "-")) + digits + point

    return make


def any_of(*values: str) -> Make:
    return lambda r: r.choice(values)


def either(special: Make, usual: Make, share: float = 0.15) -> Make:
    return lambda r: special(r) if r.random() < share else usual(r)


def date(r: random.Random) -> str:
    year, era = r.choice(((r.randint(1900, 2100), ""), (r.randint(1, 9999), ""), (r.randint(1, 4713), " BC"), (r.randint(1, 294246), "")))
    return f"{year:04}-{r.randint(1, 12):02}-{r.randint(1, 28):02}{era}"


def clock(r: random.Random) -> str:
    return f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}" + r.choice(("", f".{r.randint(0, 999999):06}"))


def moment(zone: bool) -> Make:
    def make(r: random.Random) -> str:
        day, _, era = date(r).partition(" ")
        offset = r.choice(("+00", "-11:30", "+05:45")) if zone else ""
        return f"{day} {clock(r)}{offset}{' ' + era if era else ''}"

    return either(any_of("infinity", "-infinity"), make, 0.08)


def json(r: random.Random, depth: int = 3) -> str:
    kind = r.random()
    if depth and kind < 0.3:
        return "{" + ", ".join(f"{quote_json(text(r, 6))}: {json(r, depth - 1)}" for _ in range(r.randint(0, 3))) + "}"
    if depth and kind < 0.5:
        return "[" + r.choice((",", " ,\n ")).join(json(r, depth - 1) for _ in range(r.randint(0, 3))) + "]"
    return r.choice(("null", "true", "1e5", "-0.10", "12345678901234567890123", quote_json(text(r))))


def quote_json(value: str) -> str:
    return '"' + "".join(c if c not in '"\\' and ord(c) >= 32 else f"\\u{ord(c):04x}" for c in value) + '"'


def interval(r: random.Random) -> str:
    return f"{r.randint(-200, 200)} mons {r.randint(-4000, 4000)} days {r.choice(('', '-'))}{clock(r)}"


def inet(r: random.Random) -> str:
    four = ".".join(str(r.randint(0, 255)) for _ in range(4))
    return r.choice((four, f"{four}/{r.randint(0, 32)}", f"2001:db8::{r.randint(0, 65535):x}", "::1"))


def int_range(r: random.Random) -> str:
    low = r.randint(-1000, 1000)
    return r.choice(("empty", "(,)", f"[{low},{low + r.randint(0, 50)}]", f"({low},)"))


FLOATS = any_of("NaN", "Infinity", "-Infinity", "-0", "0")
# Type → maker of a literal; those from FUZZ_TYPES.
TYPES: dict[str, Make] = {
    "boolean": any_of("t", "f"), "smallint": whole(16), "integer": whole(32), "bigint": whole(64),
    "real": either(FLOATS, lambda r: repr(r.uniform(-1, 1) * 10.0 ** r.randint(-37, 37))),
    "double precision": either(FLOATS, lambda r: repr(r.uniform(-1, 1) * 10.0 ** r.randint(-300, 300))),
    "numeric": either(any_of("NaN", "Infinity", "-Infinity"), decimal(60, 60)),
    "numeric(10,2)": decimal(8, 2), "numeric(38,10)": decimal(28, 10), "numeric(18,0)": decimal(18, 0),
    "numeric(4,-3)": decimal(6, 0), "numeric(5,5)": lambda r: "0." + str(r.randint(0, 99999)).zfill(5),
    "numeric(60,20)": decimal(40, 20), "numeric(8,3)": either(any_of("NaN"), decimal(5, 3), 0.02),
    "money": decimal(12, 2), "oid": lambda r: str(r.randint(0, 2**32 - 1)), "text": text, "varchar(40)": text,
    "char(3)": lambda r: r.choice(("", "a", " b", "abc")), "citext": text, "name": lambda r: text(r, 10),
    "bytea": lambda r: "\\x" + r.randbytes(r.randint(0, 40)).hex(),
    "date": either(any_of("infinity", "-infinity"), date, 0.08), "timestamp": moment(False),
    "timestamptz": moment(True), "timestamp(3)": moment(False), "time": either(any_of("24:00:00"), clock, 0.05),
    "timetz": lambda r: clock(r) + r.choice(("+00", "-08", "+05:45")), "interval": interval,
    "uuid": lambda r: r.randbytes(16).hex(), "json": json, "jsonb": json, "inet": inet,
    "macaddr": lambda r: r.randbytes(6).hex(":"), "bit(5)": lambda r: f"{r.randint(0, 31):05b}",
    "bit varying": lambda r: "".join(r.choice("01") for _ in range(r.randint(0, 20))), "int4range": int_range,
    "int4multirange": lambda r: "{" + r.choice(("", int_range(r))) + "}",
    "point": lambda r: f"({r.uniform(-9, 9)!r},{r.randint(-9, 9)})", "xml": lambda r: f"<a>{r.randint(0, 9)}</a>",
    "fuzz_mood": any_of("sad", "so-so", "ha ha"), "fuzz_price": decimal(8, 2), "fuzz_even": lambda r: str(2 * r.randint(-9, 9)),
    "hstore": lambda r: ", ".join(f'"{r.randint(0, 9)}"=>{r.choice(("NULL", str(r.random())))}' for _ in range(r.randint(0, 3))),
}
FUZZ_TYPES = """
    CREATE EXTENSION citext; CREATE EXTENSION hstore;
    CREATE TYPE fuzz_mood AS ENUM ('sad', 'so-so', 'ha ha'); CREATE DOMAIN fuzz_price AS numeric(10,2);
    CREATE DOMAIN fuzz_even AS int CHECK (value % 2 = 0);
    CREATE TYPE fuzz_pair AS (a int, b text);
"""
# Types without `=`, and those whose arrays' literals would need a quoting of their own, are no keys or elements here.
MOMENTS = ("date", "timestamp", "timestamptz", "timestamp(3)")


def quoted(value: str, mark: str = "'") -> str:
    return mark + value.replace(mark, mark * 2) + mark


@dataclass
class Table:
    name: str
    statements: list[str] = field(default_factory=list)


class Fuzz:
    """`tables(count)` gives CREATE TABLE and INSERT statements."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.taken: set[str] = set()

    def name(self, fallback: str) -> str:
        """At most 63 bytes, told apart from others also without case."""
        r = self.random
        name = fallback if r.random() < 0.6 else r.choice(("order", "Group", "select", text(r, 12), text(r, 12), fallback.upper()))
        name = name.encode()[:63].decode(errors="ignore")
        return name or fallback

    def distinct(self, fallback: str, taken: set[str]) -> str:
        name = self.name(fallback)
        while name in taken:
            name = f"{fallback}{self.random.randint(0, 10**9)}"
        taken.add(name)
        return name

    def column_type(self, dated: bool) -> str:
        r = self.random
        name = r.choice([name for name in TYPES if dated or name not in MOMENTS])
        kind = r.random()
        if kind < 0.12:
            return f"{name}[]"
        return "fuzz_pair" if kind < 0.16 else name

    def value(self, kind: str) -> str:
        r = self.random
        if r.random() < 0.12:
            return "NULL"
        if kind == "fuzz_pair":
            return f"ROW({r.choice(('NULL', str(r.randint(0, 9))))}, {quoted(text(r))})::fuzz_pair"
        if kind.endswith("[]"):
            element = kind[:-2]
            items = [r.choice(("NULL", self.literal(element), self.literal(element))) for _ in range(r.randint(0, 4))]
            return f"ARRAY[{', '.join(items)}]::{kind}"
        return self.literal(kind)

    def literal(self, kind: str) -> str:
        return f"{quoted(TYPES[kind](self.random))}::{kind}"

    def table(self, number: int) -> Table:
        r = self.random
        table = Table(self.distinct(f"table_{number}", self.taken))
        name = quoted(table.name, '"')
        dated = number % 10 == 0
        taken: set[str] = set()
        columns = [(quoted(self.distinct(f"c{n}", taken), '"'), self.column_type(dated)) for n in range(r.randint(1, 10))]
        key = "id int PRIMARY KEY, " if r.random() < 0.15 and "id" not in taken else ""
        table.statements.append(f"CREATE TABLE {name} ({key}{', '.join(f'{c} {kind}' for c, kind in columns)})")
        rows = [
            f"({f'{row}, ' if key else ''}{', '.join(self.value(kind) for _, kind in columns)})"
            for row in range(r.choice((0, 1, 3, r.randint(1, 40))))
        ]
        if rows:
            table.statements.append(f"INSERT INTO {name} VALUES {', '.join(rows)}")
        return table

    def tables(self, count: int) -> list[Table]:
        return [self.table(number) for number in range(count)]
