"""Signing in to the console, as the demo shop's owner."""

from playwright.async_api import Page, expect

from deploy.local.stack import Stack


async def owner_signs_in(page: Page, stack: Stack, path: str = "/console") -> None:
    """From a page that asks for it, by password, and back to that page."""
    await page.goto(f"{stack.env['EDGE_URL']}{path}")
    await page.locator("input[name=login]").fill(stack.env["OWNER_LOGIN"])
    await page.locator("input[type=password]").fill(stack.env["OWNER_PASSWORD"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{stack.env['EDGE_URL']}{path}")
