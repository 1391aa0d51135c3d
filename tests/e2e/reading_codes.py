"""Reading a code from a picture as a camera at the counter reads it: with the same library."""

import base64

from playwright.async_api import Browser, Locator

from deploy.local.browser import STATIC
from deploy.local.layout import ROOT

# One reader after the other: MultiFormatReader writes a warning for each that finds nothing.
READ = """(async () => {
  const picture = new Image();
  picture.src = "%s";
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(picture, 0, 0);
  const light = new ZXing.HTMLCanvasElementLuminanceSource(canvas);
  const bits = new ZXing.BinaryBitmap(new ZXing.HybridBinarizer(light));
  for (const reader of [new ZXing.QRCodeReader(), new ZXing.EAN13Reader()]) {
    try { return reader.decode(bits).getText(); } catch { continue; }
  }
  return "";
})()"""
"""What the picture at an address says, "" if nothing can be read; where `ZXing` is loaded."""


def address_of(png: bytes) -> str:
    """The picture as an address."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


async def read(browser: Browser, place: Locator) -> str:
    """What the code on the screen says, as anybody sees it: from its picture alone."""
    return await read_picture(browser, await place.screenshot())


async def read_picture(browser: Browser, png: bytes) -> str:
    """What the code in a picture says; "" if none is found."""
    page = await browser.new_page()
    try:
        await page.add_script_tag(path=ROOT / STATIC / "scanner.min.js")
        text: str = await page.evaluate(READ % address_of(png))
        return text
    finally:
        await page.close()
