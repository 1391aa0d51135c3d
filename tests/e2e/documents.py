"""Valid program documents of every shape: each part in every way that the contract knows."""

import random
from typing import Any

from services.points.rules import program

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NAMES = ["", "お買い上げ", "<b>bold</b>", 'it\'s "so" & more', "金曜日 22時", "{n}"]


class Writer:
    """Writes documents, the same ones for the same number."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def documents(self, count: int) -> list[dict[str, Any]]:
        """So many, all of which pass."""
        written = [self._document() for _ in range(count)]
        for each in written:
            program.parse(each)
        return written

    def _some(self, **parts: Any) -> dict[str, Any]:
        """Some of these, in some order: what is left out has its default."""
        names = [name for name in parts if self._dice.random() < 0.6]
        self._dice.shuffle(names)
        return {name.rstrip("_"): parts[name] for name in names}

    def _number(self, least: int, most: int) -> int:
        return self._dice.choice([least, most, self._dice.randint(least, most)])

    def _codes(self, stem: str) -> list[str]:
        return [f"{stem} {n}, {stem}" for n in range(self._dice.randint(1, 3))]

    def _document(self) -> dict[str, Any]:
        self._ranks = [f"rank-{n}" for n in range(self._dice.randint(0, 4))]
        return self._some(
            currency=self._dice.choice(["JPY", "USD", "KRW"]),
            time_zone=self._dice.choice(["Asia/Tokyo", "Europe/Berlin", "UTC"]),
            accrual=self._accrual(),
            pending={"days": self._number(0, 3650)},
            expiry=self._expiry(),
            redemption=self._redemption(),
            refunds={"overspent": self._dice.choice(["allow_negative", "clamp_to_zero"])},
            welcome=self._some(points=self._number(0, 10**9)),
            service=self._service(),
            waiting=self._some(days=self._number(1, 3650)),
        ) | {"ranks": self._levels()}

    def _accrual(self) -> dict[str, Any]:
        return self._some(
            base_amount=self._dice.choice(["tax_included", "tax_excluded"]),
            excluded_categories=self._codes("tobacco"),
            excluded_skus=self._dice.choice([[], self._codes("sku")]),
            minimum_spend=self._number(0, 10**12),
            rounding=self._dice.choice(["floor", "half_up", "ceil"]),
            carry_remainder=self._dice.random() < 0.5,
            rules=[self._rule(n) for n in range(self._dice.randint(0, 4))],
            multipliers=[self._multiplier(n) for n in range(self._dice.randint(0, 3))],
            caps=[self._cap() for _ in range(self._dice.randint(0, 3))],
        )

    def _rule(self, number: int) -> dict[str, Any]:
        points = self._number(0, 10**9)
        kinds: list[dict[str, Any]] = [
            {"type": "spend", "per": self._number(1, 10**12), "points": points},
            {"type": "percent", "percent": self._dice.choice(["1", "1.50", "0.0001"])},
            {"type": "fixed", "points": points},
            {"type": "visit", "points": points, **self._some(limit=self._limit())},
            {"type": "product", "points_per_unit": points, "skus": self._codes("sku")},
        ]
        shared = self._some(
            name=self._dice.choice(NAMES),
            stackable=self._dice.random() < 0.5,
            priority=self._dice.randint(-5, 5),
            when=self._dice.choice([None, self._when()]),
        )
        return {"id": f"rule.{number}", **self._dice.choice(kinds), **shared}

    def _limit(self) -> dict[str, Any] | None:
        hours = {"per": "hours", "hours": self._number(1, 8760), **self._some(count=2)}
        return self._dice.choice([None, {"per": "day"}, {"per": "day", "count": 3}, hours])

    def _when(self) -> dict[str, Any]:
        days = self._dice.sample(DAYS, self._dice.randint(0, 7))
        times = ["22:00-02:00", "00:00-24:00", "09:30-18:00"]
        return self._some(
            weekdays=days,
            from_=self._dice.choice([None, "2026-04-01", "2026-04-01T10:00:00+09:00"]),
            until=self._dice.choice(
                ["2027-04-01", "2027-04-01T10:30:15.5Z", "2027-01-01t00:00-03:00"]
            ),
            hours=self._dice.choice(times),
            stores=self._dice.choice([["main"], ["main", "no such store"]]),
            ranks=self._dice.sample(self._ranks, len(self._ranks)),
            skus=self._codes("when"),
            categories=self._codes("tea"),
            birthday_month=self._dice.random() < 0.5,
            first_purchase=self._dice.random() < 0.5,
        )

    def _multiplier(self, number: int) -> dict[str, Any]:
        factor = self._dice.choice(["2", "1.5", "0", "1.0000"])
        named = self._some(name=self._dice.choice(NAMES), when=self._when())
        return {"id": f"m{number}", "factor": factor, **named}

    def _cap(self) -> dict[str, Any]:
        per = self._dice.choice(["purchase", "day", "month", "campaign"])
        return {"per": per, "points": self._number(0, 10**9), **self._some(id="spring")}

    def _expiry(self) -> dict[str, Any]:
        warn = self._some(warn_days=self._dice.choice([[], [30, 7], [1, 366, 14]]))
        ends = self._some(round_to=self._dice.choice([None, "month_end", "year_end"]))
        return self._dice.choice([
            {"type": "none"},
            {"type": "fixed", "months": self._number(1, 1200), **warn, **ends},
            {"type": "fixed", "days": self._number(1, 36500), "months": None, **warn},
            {"type": "sliding", "months": self._number(1, 1200), **warn},
        ])  # fmt: skip

    def _redemption(self) -> dict[str, Any]:
        return self._some(
            value=self._some(points=self._number(1, 10**9), amount=self._number(1, 10**12)),
            minimum=self._number(0, 10**9),
            unit=self._number(1, 10**9),
            maximum_percent=self._number(0, 100),
            hold_minutes=self._number(1, 43200),
        )

    def _service(self) -> dict[str, Any]:
        rules = [
            {"id": f"s{n}", "points": self._number(1, 10**9), **self._some(name="雨の日")}
            for n in range(self._dice.randint(0, 2))
        ]
        return self._some(maximum_points=self._number(0, 500), per_day=2, rules=rules)

    def _levels(self) -> dict[str, Any]:
        windows = ["lifetime", {"type": "lifetime"}, {"type": "calendar_year"}]
        levels = [
            {
                "code": code,
                "name": self._dice.choice(NAMES),
                "requires": {"visits": n, **self._some(points_earned=None, amount_spent=10**12)},
                **self._some(
                    rate_bonus_percent="1.0", multiplier="1.5", points=500, every_time=True
                ),
            }
            for n, code in enumerate(self._ranks)
        ]
        return {"levels": levels} | self._some(
            window=self._dice.choice([*windows, {"type": "rolling", "months": 12}]),
            keep_months=self._number(0, 1200),
            downgrade=self._dice.choice(["earned", "one_level"]),
            notice_days=self._number(0, 366),
        )
