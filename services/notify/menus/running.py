"""The rich menus' part of the process `broadcasts`."""

from contextlib import AsyncExitStack

from services.notify.menus.addresses import addresses
from services.notify.menus.client import MenuClient
from services.notify.menus.handlers import MENU_HANDLERS
from services.notify.menus.linking import Linker
from services.notify.menus.syncing import Sync
from services.notify.settings import NotifySettings
from shared.process import Process


async def set_up(process: Process, settings: NotifySettings, closing: AsyncExitStack) -> None:
    """Hear of people, link them, and keep LINE in step."""
    token = settings.line_channel_access_token.get_secret_value()
    line = await closing.enter_async_context(
        MenuClient(settings.line_api_base, token, settings.line_data_api_base)
    )
    process.bus.consume("notify.menus", MENU_HANDLERS, process.pool, process.relay, use_inbox=False)
    at_start = settings.rich_menus_at_start
    process.task(Sync(process.pool, line, addresses(settings), at_start=at_start).run())
    process.task(Linker(process.pool, line).run())
