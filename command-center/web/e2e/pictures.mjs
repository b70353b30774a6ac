/**
 * The pictures of docs/pictures: `npm run pictures [-- FOLDER]`. Starts `citywatch demo`, lets it play its past, makes a
 * case of an incident, and takes each screen as docs/page.md lists it, as WebP of at most 200 kB.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DESKTOP, launch, open, PHONE } from "./browser.mjs";
import { addAccount, dispatchesIt, makesACase, signsIn } from "./command.mjs";
import { BINARY, startDemo, step, stopDemo } from "./demo.mjs";
import { drawn, fresh, furnish, screens, takeScreen, takeWall } from "./screens.mjs";
import { opensOne, seesTheCity } from "./steps.mjs";

const BYTES_MAX = 200_000;
const FOLDER = process.argv[2] ?? fileURLToPath(new URL("../../../docs/pictures/", import.meta.url));

/** Screen, language, theme, size. */
const WANTED = [
  ["overview", "zh", "dark", "desktop"], ["overview", "en", "light", "desktop"], ["overview", "zh", "dark", "phone"], ["overview", "en", "light", "phone"],
  ["incident", "zh", "light", "desktop"], ["incident", "en", "dark", "desktop"], ["incident", "zh", "light", "phone"],
  ["cases", "zh", "dark", "desktop"], ["cases", "en", "light", "desktop"],
  ["case", "en", "light", "desktop"], ["case", "zh", "dark", "desktop"], ["case", "zh", "light", "phone"],
  ["analyze", "zh", "light", "desktop"], ["analyze", "en", "dark", "desktop"],
  ["alarms", "en", "light", "desktop"], ["supervise", "zh", "light", "desktop"], ["supervise", "en", "dark", "desktop"], ["sensor", "zh", "dark", "desktop"],
  ["duty", "zh", "dark", "desktop"], ["duty", "en", "light", "phone"],
  ["citizen", "zh", "light", "phone"], ["citizen", "en", "dark", "phone"],
];

async function save(page, name) {
  const session = await page.context().newCDPSession(page);
  for (const quality of [82, 70, 55]) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
    const bytes = Buffer.from(data, "base64");
    if (bytes.length > BYTES_MAX && quality > 55) continue;
    assert.ok(bytes.length <= BYTES_MAX, `${name} has ${bytes.length} bytes`);
    writeFileSync(join(FOLDER, `${name}.webp`), bytes);
    console.log(`      ${name}.webp ${(bytes.length / 1000).toFixed(0)} kB`);
    return;
  }
}

/** What an engineer sees: the workbench, and why a rule did not fire at a bin that is half full. */
async function engineers(browser, origin, folder) {
  addAccount(BINARY, folder, "erin", "rule-engineer");
  for (const [language, look] of [["zh", "dark"], ["en", "light"]]) {
    const page = await open(browser, { origin, viewport: DESKTOP, locale: language === "zh" ? "zh-CN" : "en-GB", colorScheme: look });
    await signsIn(page, origin, "erin");
    const asked = await page.evaluate(async () => {
      const bins = (await (await fetch("/api/v1/sensors?domain=waste&state=online&limit=500")).json()).items;
      const fill = (one) => one.last.fill_ratio?.value ?? 0;
      const bin = bins.toSorted((a, b) => Math.abs(fill(a) - 0.78) - Math.abs(fill(b) - 0.78))[0];
      const { now_at } = await (await fetch("/api/v1/areas/now")).json();
      return { key: bin.id, at: Math.floor(now_at / 60_000) * 60_000 };
    });
    await page.goto(`${origin}/rules/why-not?${new URLSearchParams({ rule: "waste.bin-full", key: asked.key, at: String(asked.at), within_ms: String(6 * 3_600_000) })}`);
    await page.locator('[data-test="lane"]').first().waitFor();
    await drawn(page);
    await save(page, `why-not-${language}`);
    if (language === "en") {
      await page.goto(`${origin}/rules/workbench`);
      await page.locator('[data-test="rule-file"][data-path="rules/packs/waste.yaml"]').click();
      await page.locator('[data-test="workbench"][data-state="good"]').waitFor();
      await page.locator('[data-test="tab-tests"]').click();
      await drawn(page);
      await save(page, `workbench-${language}`);
    }
    await page.context().close();
  }
}

mkdirSync(FOLDER, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "citywatch-pictures-"));
const browser = await launch();
const demo = await startDemo(folder);
process.on("exit", () => demo.child.kill("SIGKILL"));
try {
  const address = await demo.link;
  const { origin } = new URL(address);
  await step("waits until the past is played", () => demo.live);
  const page = await open(browser, { origin });
  await page.goto(address);
  await seesTheCity(page);
  const incident = await opensOne(page);
  const caseId = await step("makes a case", async () => {
    const id = await makesACase(page, origin);
    await dispatchesIt(page, id);
    return id;
  });
  await furnish(page);
  const sensor = await page.evaluate(async () => (await (await fetch("/api/v1/sensors?domain=waste&state=online&limit=1")).json()).items[0].id);
  const storageState = await page.context().storageState();
  const all = { ...screens({ incident, case: caseId }), sensor: [`/sensors/${encodeURIComponent(sensor)}`, "sensor"] };
  for (const [name, language, look, size] of WANTED) {
    const one = await fresh(browser, storageState, { viewport: size === "phone" ? PHONE : DESKTOP, language, look, origin });
    await takeScreen(one, origin, all[name]);
    await save(one, `${name}-${language}${size === "phone" ? "-phone" : ""}`);
    await one.context().close();
  }
  for (const language of ["zh", "en"]) {
    const wall = await takeWall(browser, storageState, origin, language);
    await save(wall, `wall-${language}`);
    await wall.context().close();
  }
  await engineers(browser, origin, folder);
} catch (error) {
  console.log(`FAIL  ${error.stack}\n${error.cause ?? ""}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await stopDemo(demo.child);
  rmSync(folder, { recursive: true, force: true });
}
