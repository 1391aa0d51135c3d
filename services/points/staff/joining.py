"""How somebody comes to work with Tamaru: the first owner by the operator, others invited."""

from services.points.errors import LoginTaken
from services.points.staff import passwords
from services.points.store import staff as store
from shared import clock, ids
from shared.bus.handling import Batch


async def add_owner(batch: Batch, login: str, password: str, name: str) -> None:
    """Add an owner who signs in with `login` (an e-mail address) and `password`.

    Raises LoginTaken when somebody has this login. For the operator: no owner is asked."""
    added = await store.add(
        batch.connection,
        id=ids.new_id(),
        login=login,
        name=name,
        role="owner",
        stores=None,
        now=clock.now(),
        password_hash=await passwords.hashed(password),
    )
    if not added:
        raise LoginTaken(f"somebody signs in as {login} already")
