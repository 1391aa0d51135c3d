"""Today's page stays open all day: numbers and drawings follow, and readers keep their place."""

import asyncio
import json
import time
from typing import Any

import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from tests.e2e.counter_desk import api
from tests.e2e.looking import DESKTOP, Look
from tests.e2e.signing_in import owner_signs_in

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

_READS = """(() => {
  const place = document.querySelector("[aria-labelledby=people-title][role=region]");
  place.focus();
  place.scrollTop = place.scrollHeight;
  const canvas = document.querySelector("canvas[aria-labelledby=people-title]");
  canvas.dataset.same = "";
  Chart.getChart(canvas).hide(0);
  scrollTo(0, document.body.scrollHeight);
})(), "" """
_A_MINUTE_LATER = """(async () => {
  const numbers = document.getElementById("numbers");
  const how = { target: numbers, swap: numbers.getAttribute("hx-swap") };
  await htmx.ajax("GET", numbers.getAttribute("hx-get"), how);
})().then(() => "")"""
_SHOWN = """(() => {
  const place = document.querySelector("[aria-labelledby=people-title][role=region]");
  const canvas = document.querySelector("canvas[aria-labelledby=people-title]");
  const chart = Chart.getChart(canvas);
  return JSON.stringify({
    written: Number(document.querySelector("#people-table tr:last-child td:last-child")
      .dataset.value),
    drawn: chart.data.datasets[1].data.at(-1),
    reader: {
      canvas: "same" in canvas.dataset,
      hidden: !chart.isDatasetVisible(0),
      focus: document.activeElement === place,
      read: place.scrollTop,
      scrolled: scrollY,
      open: place.closest("details").open,
    },
  });
})()"""


async def test_what_is_drawn_follows_and_who_reads_is_not_disturbed(
    stack: Stack, visitor: Any
) -> None:
    async with api(stack) as call, visitor(Look(*DESKTOP)) as (page, seen):
        await call.member("まえから")
        await owner_signs_in(page, stack)
        figure = page.locator("figure").filter(has_text="来店と新しい会員")
        await seen.settled()
        await figure.locator("summary").click()
        await seen.value(_READS)
        before = json.loads(await seen.value(_SHOWN))
        assert before["reader"]["read"] > 0
        assert before["reader"]["scrolled"] > 0
        await call.member("あたらしい")
        deadline = time.monotonic() + 30
        while (now := json.loads(await seen.value(_SHOWN)))["written"] == before["written"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
            await seen.value(_A_MINUTE_LATER)
        assert now["drawn"] == now["written"] > before["drawn"]
        assert now["reader"] == before["reader"] | {"canvas": True, "hidden": True, "focus": True}
        await expect(page.locator("#date")).to_have_count(1)
