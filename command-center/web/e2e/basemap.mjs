/**
 * A city that chose a basemap, against the real program: `node e2e/basemap.mjs`. Starts `citywatch run` (CITYWATCH
 * names the binary) before a tile server of its own, once for each grid that tiles may be drawn on and once without tiles.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, mapReady, open, PATIENCE_MS } from "./browser.mjs";
import { startRun, step, stopDemo } from "./demo.mjs";
import { until } from "./steps.mjs";
import { disc, TileServer } from "./tiles.mjs";

const AREAS = fileURLToPath(new URL("../../../seeds/areas/areas.geojson", import.meta.url));
/** A point of central Beijing on WGS-84, and where GCJ-02 draws it, some 550 metres away. */
const HERE = [116.40717, 39.90469];
const HERE_GCJ02 = [116.41341239543625, 39.90609341287871];
/** A second sensor so near that the small map shows some 7 metres a pixel. */
const SENSORS = `sensor,domain,lon,lat,interval_s\nhere,air,${HERE[0]},${HERE[1]},60\nnear,air,${HERE[0]},${HERE[1] + 0.006},60\n`;
const RADIUS = 30;

const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** A city at work with this basemap, and a page that is signed in to it. */
async function inCity(browser, map, act) {
  const folder = mkdtempSync(join(tmpdir(), "citywatch-basemap-"));
  writeFileSync(join(folder, "sensors.csv"), SENSORS);
  const run = await startRun(folder, `[map]\n${map}\n[registry]\npaths = ["sensors.csv", "${AREAS}"]\n`);
  const die = () => run.child.kill("SIGKILL");
  process.on("exit", die);
  try {
    const address = await run.link;
    const { origin } = new URL(address);
    const page = await open(browser, { origin, colorScheme: "light" });
    await page.goto(address);
    await page.waitForURL((url) => url.pathname === "/");
    await act(page, origin);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  } finally {
    await stopDemo(run.child);
    process.off("exit", die);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Only the tile server may be asked beside the city itself; that is no fault then. */
function allows(page, tiles) {
  page.faults = page.faults.filter((fault) => !fault.startsWith(`asks elsewhere: ${tiles.origin}/`));
}

/** Where the disc is on the small map, in pixels from its middle; null if none is drawn. Read from the screen. */
async function discOn(page) {
  const picture = (await at(page, "place-map").screenshot()).toString("base64");
  return page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const [xs, ys] = [[], []];
    for (let pixel = 0; pixel < data.length / 4; pixel += 1) {
      const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
      if (red - Math.max(green, blue) < 35) continue;
      xs.push(pixel % image.width);
      ys.push(Math.floor(pixel / image.width));
    }
    if (xs.length < 400) return null;
    const middle = (all) => (all.reduce((least, one) => Math.min(least, one), Infinity) + all.reduce((most, one) => Math.max(most, one), -Infinity) + 1) / 2;
    return [middle(xs) - image.width / 2, middle(ys) - image.height / 2];
  }, picture);
}

/** Where it is when two pictures in turn agree: a tile fades in, and the map moves to its place. */
async function discAt(page) {
  await page.goto(new URL("/sensors/here", page.url()).href);
  await mapReady(page, "place-map");
  const deadline = Date.now() + PATIENCE_MS;
  let before = null;
  while (Date.now() < deadline) {
    const now = await discOn(page);
    if (now && before && now.every((value, axis) => value === before[axis])) return now;
    before = now;
  }
  throw new Error(`the disc is drawn and stands still; seen last at ${before}`);
}

async function onGcj02(page, tiles) {
  const [x, y] = await discAt(page);
  console.log(`      tiles on GCJ-02: the disc is ${Math.hypot(x, y).toFixed(1)} px from where it is; ${tiles.asked} tiles`);
  assert.ok(Math.hypot(x, y) <= 3, `the disc is at ${x}, ${y}`);
  assert.equal(await page.locator('[data-test="place-map"] .basemap-attribution').innerText(), "© Tiles of the <b>test</b>");
}

/** It can be hidden, stays so, and then nothing is asked of its server. */
async function canBeHidden(page, tiles, origin) {
  await page.goto(origin);
  await mapReady(page);
  const [whose, note] = await Promise.all([".basemap-attribution", ".schematic"].map((part) => page.locator(`[data-test="map"] ${part}`).boundingBox()));
  assert.ok(whose.y + whose.height <= note.y, "whose map it is stands above the note that areas are schematic");
  await at(page, "basemap").uncheck();
  const before = tiles.asked;
  await page.goto(`${origin}/sensors/here`);
  await mapReady(page, "place-map");
  await page.locator('[data-test="place-map"] .basemap-attribution').waitFor({ state: "hidden" });
  assert.equal(await discOn(page), null, "no basemap is drawn");
  await page.goto(origin);
  await mapReady(page);
  assert.equal(await at(page, "basemap").isChecked(), false, "it is remembered");
  assert.equal(tiles.asked, before, "and nothing was asked");
  await at(page, "basemap").check();
  await discAt(page);
}

/** A server that is away is told in the legend; everything else works, and the basemap comes back with it. */
async function canBeAway(page, tiles, origin) {
  await tiles.stop();
  await page.goto(origin);
  await mapReady(page);
  await at(page, "basemap-away").waitFor();
  await at(page, "nav-perceive").click();
  await page.locator('nav [href="/sensors"]').click();
  await page.locator('[data-test="sensor-row"]').first().waitFor();
  await page.goto(origin);
  await mapReady(page);
  await at(page, "basemap-away").waitFor();
  await tiles.start(tiles.port);
  await page.locator('[data-test="map"] .zoom button').first().click();
  await at(page, "basemap-away").waitFor({ state: "detached" });
  await discAt(page);
  page.faults = page.faults.filter((fault) => !fault.includes("ERR_CONNECTION_REFUSED"));
}

const browser = await launch();
try {
  const tiles = await new TileServer(disc(HERE_GCJ02, RADIUS)).start();
  const chosen = (datum) => `tiles = "${tiles.origin}/{z}/{x}/{y}.png"\ndatum = "${datum}"\nattribution = "© Tiles of the <b>test</b>"`;
  await inCity(browser, chosen("gcj02"), async (page, origin) => {
    await step("tiles on GCJ-02 are drawn where their streets are", () => onGcj02(page, tiles));
    await step("the basemap can be hidden, and stays so", () => canBeHidden(page, tiles, origin));
    await step("its server may be away", () => canBeAway(page, tiles, origin));
    allows(page, tiles);
  });
  await inCity(browser, chosen("wgs84"), async (page) => {
    await step("tiles that are said to be on WGS-84 are not moved", async () => {
      const [x, y] = await discAt(page);
      console.log(`      the same tiles, said to be on WGS-84: ${Math.hypot(x, y).toFixed(1)} px away`);
      assert.ok(Math.hypot(x, y) >= 50, `the disc is at ${x}, ${y}`);
    });
    allows(page, tiles);
  });
  await inCity(browser, 'tiles = ""', async (page, origin) => {
    await step("without a basemap nothing is asked of anybody", async () => {
      const before = tiles.asked;
      await page.goto(origin);
      await mapReady(page);
      await until(page, "the map is idle", () => document.querySelector('[data-test="map"]').dataset.sensors === "2");
      assert.equal(await at(page, "basemap").count(), 0);
      assert.equal(tiles.asked, before);
    });
  });
  await tiles.stop();
} catch (error) {
  console.log(`FAIL  ${error.stack}\n${error.cause ?? ""}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
