"""Reading a code from a picture as a camera at the counter reads it: with the same library."""

import asyncio
import base64

from playwright.async_api import Browser, FloatRect, Locator

from deploy.local.browser import STATIC
from deploy.local.layout import ROOT

PATIENCE = 60  # seconds
MARGIN = 24  # CSS pixels
# From several distances, as a hand holds a camera. One reader after the other: MultiFormatReader
# writes a warning for each that finds nothing.
READ = """(async () => {
  const picture = new Image();
  picture.src = "%s";
  await picture.decode();
  for (const scale of [1, 2, 0.75, 1.5, 3]) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width * scale, picture.height * scale];
    const drawn = canvas.getContext("2d", { willReadFrequently: true });
    drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const light = new ZXing.HTMLCanvasElementLuminanceSource(canvas);
    for (const Binarizer of [ZXing.HybridBinarizer, ZXing.GlobalHistogramBinarizer]) {
      const bits = new ZXing.BinaryBitmap(new Binarizer(light));
      for (const reader of [new ZXing.QRCodeReader(), new ZXing.EAN13Reader()]) {
        try { return reader.decode(bits).getText(); } catch { continue; }
      }
    }
  }
  return "";
})()"""
"""What the picture at an address says, "" if nothing can be read; where `ZXing` is loaded."""


def address_of(png: bytes) -> str:
    """The picture as an address."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


async def read(browser: Browser, place: Locator) -> str:
    """What the code on the screen says, as anybody sees it: from its picture alone, with what is
    around it. A camera looks more than once; a code that changes is another one each time."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await place.scroll_into_view_if_needed()
            box = await place.bounding_box()
            assert box is not None
            around: FloatRect = {
                "x": max(0, box["x"] - MARGIN),
                "y": max(0, box["y"] - MARGIN),
                "width": box["width"] + 2 * MARGIN,
                "height": box["height"] + 2 * MARGIN,
            }
            if text := await read_picture(browser, await place.page.screenshot(clip=around)):
                return text


async def read_picture(browser: Browser, png: bytes) -> str:
    """What the code in a picture says; "" if none is found."""
    page = await browser.new_page()
    try:
        await page.add_script_tag(path=ROOT / STATIC / "scanner.min.js")
        text: str = await page.evaluate(READ % address_of(png))
        return text
    finally:
        await page.close()
