"""From what is known of people to what they should have, in the transaction that learnt it."""

from collections.abc import Mapping

from services.notify.menus.wanted import Person, wanted
from services.notify.store import menu_links as store_links
from services.notify.store import menus as store_menus
from shared import clock
from shared.bus.handling import Connection

PAGE = 2000


async def settle(connection: Connection, people: Mapping[str, Person]) -> None:
    """Decide on these people's menus. Their rows are locked by whoever read them."""
    if people:
        menus = await store_menus.whom(connection)
        wants = {user: wanted(person, menus) for user, person in people.items()}
        await store_links.want(connection, wants, clock.now())


async def walk(connection: Connection, after: str) -> str | None:
    """Decide on the next page of all people; the last of them, or None when all are through."""
    await store_menus.whom(connection)  # the definitions first: see `store.menus`
    people = await store_links.people_after(connection, after, PAGE)
    await settle(connection, people)
    last = max(people) if len(people) == PAGE else None
    await store_menus.walked(connection, after, last)
    return last
