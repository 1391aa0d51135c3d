// Codes from outside: a barcode reader that types, and the camera.

const QUICK_MS = 70; // a key, on average: nobody types that fast, no reader is slower
const PAUSE_MS = 400;
const SHORTEST = 8;
const LOOK_MS = 120;

/** A reader types fast and ends with Enter, wherever the focus is. What it typed into a field is taken
 *  out again, and `found` gets the code. */
export function readWedge(found) {
  let typed = "", first = 0, last = -Infinity, field = null, before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const paused = event.timeStamp - last > PAUSE_MS;
    if (event.key === "Enter") {
      const quick = !paused && typed.length >= SHORTEST && last - first < QUICK_MS * (typed.length - 1);
      const code = quick ? typed : "";
      typed = "";
      if (!code) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (field?.matches?.("input:not([type=radio], [type=checkbox]), textarea")) {
        field.value = before;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      found(code);
      return;
    }
    if (event.key.length !== 1) return;
    if (paused || !typed) {
      typed = "";
      first = event.timeStamp;
      field = document.activeElement;
      before = field?.value ?? "";
    }
    typed += event.key;
    last = event.timeStamp;
  }, true);
}

/** The camera in `video`; `found` gets each code that it sees until `close` is called.
 *  Gives `{close, torch}`; `torch` is null where there is none. Raises where the camera is refused. */
export async function openCamera(video, library, found) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 960 } },
  });
  const [track] = stream.getVideoTracks();
  let open = true;
  const close = () => {
    open = false;
    for (const each of stream.getTracks()) each.stop();
    video.srcObject = null;
  };
  try {
    video.srcObject = stream;
    await video.play();
    const read = (await ownReader()) ?? (await loadedReader(library));
    const look = async () => {
      if (!open) return;
      const code = document.hidden ? "" : await read(video).catch(() => "");
      if (code && open) {
        navigator.vibrate?.(60);
        found(code);
      }
      setTimeout(look, LOOK_MS);
    };
    look();
  } catch (error) {
    close();
    throw error;
  }
  const torch = track.getCapabilities?.().torch ? (on) => track.applyConstraints({ advanced: [{ torch: on }] }) : null;
  return { close, torch };
}

/** The browser's own reader, where it knows both kinds of codes. */
async function ownReader() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = ["qr_code", "ean_13"];
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.every((each) => known.includes(each))) return null;
  const detector = new BarcodeDetector({ formats });
  return async (video) => (await detector.detect(video))[0]?.rawValue ?? "";
}

async function loadedReader(address) {
  if (!window.ZXing) {
    await new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = () => fail(new Error("the reader was not loaded"));
      document.head.append(script);
    });
  }
  const { BarcodeFormat, BinaryBitmap, DecodeHintType, HTMLCanvasElementLuminanceSource, HybridBinarizer, MultiFormatReader } = window.ZXing;
  const hints = new Map([
    [DecodeHintType.POSSIBLE_FORMATS, [BarcodeFormat.QR_CODE, BarcodeFormat.EAN_13]],
    [DecodeHintType.TRY_HARDER, true],
  ]);
  const reader = new MultiFormatReader();
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    if (!video.videoWidth) return "";
    const scale = Math.min(1, 800 / video.videoWidth);
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const bitmap = new BinaryBitmap(new HybridBinarizer(new HTMLCanvasElementLuminanceSource(canvas)));
    return reader.decode(bitmap, hints).getText();
  };
}
