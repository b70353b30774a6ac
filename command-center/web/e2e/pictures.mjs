/**
 * The pictures of docs/pictures: `npm run pictures [-- FOLDER]`. Starts `citywatch demo`, lets it play its past, makes a
 * case of an incident, and takes each screen in both languages on a desk and on a telephone, as WebP of at most 200 kB.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DESKTOP, open, PHONE } from "./browser.mjs";
import { addAccount, dispatchesIt, makesACase, signsIn } from "./command.mjs";
import { BINARY, inDemo, step } from "./demo.mjs";
import { Fixture } from "./fixture.mjs";
import { drawn, fresh, furnish, saver, screens, takeScreen, takeWall } from "./screens.mjs";
import { opensOne, seesTheCity } from "./steps.mjs";
import { keepsRecords } from "./supervise.mjs";
import { streets, TileServer } from "./tiles.mjs";

const FOLDER = process.argv[2] ?? fileURLToPath(new URL("../../../docs/pictures/", import.meta.url));

const save = saver(FOLDER);

/** Each screen in these: language, theme, size, and what its file's name ends in. */
const LOOKS = [["zh", "dark", DESKTOP, "zh"], ["en", "light", DESKTOP, "en"], ["zh", "light", PHONE, "zh-phone"], ["en", "dark", PHONE, "en-phone"]];

/** Screens that supervisors alone have. */
const OF_SUPERVISION = { checks: ["/supervise?view=checks", "check"], published: ["/supervise?view=published", "published-row"], audit: ["/supervise?view=audit", "audit-entry"] };

/** The map over streets, which are made up as the city is then. */
async function overStreets(browser) {
  const tiles = await new TileServer(streets([116.397, 39.909])).start();
  const fixture = new Fixture();
  fixture.basemap = { tiles: `${tiles.origin}/{z}/{x}/{y}.png`, datum: "wgs84", attribution: "made-up streets", max_zoom: 18 };
  const origin = await fixture.start();
  for (const [language, look] of [["zh", "light"], ["en", "dark"]]) {
    const page = await fresh(browser, { cookies: [] }, { viewport: DESKTOP, language, look, origin });
    await seesTheCity(page);
    await page.locator('[data-test="area"]').selectOption("110101");
    await page.locator('[data-test="map"] .zoom button').first().click();
    await drawn(page);
    await save(page, `basemap-${language}`);
    await page.context().close();
  }
  await fixture.stop();
  await tiles.stop();
}

/** What an engineer sees: the workbench, and why a rule did not fire at a bin that is half full. */
async function engineers(browser, origin, folder) {
  addAccount(BINARY, folder, "erin", "rule-engineer");
  for (const [language, look, viewport, end] of LOOKS) {
    const page = await open(browser, { origin, viewport, locale: language === "zh" ? "zh-CN" : "en-GB", colorScheme: look });
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
    await save(page, `why-not-${end}`);
    await page.goto(`${origin}/rules/workbench`);
    await page.locator('[data-test="rule-file"][data-path="rules/packs/waste.yaml"]').click();
    await page.locator('[data-test="workbench"][data-state="good"]').waitFor();
    await page.locator('[data-test="tab-tests"]').click();
    await drawn(page);
    await save(page, `workbench-${end}`);
    await page.context().close();
  }
}

/** What supervisors and administrators see: a check that was drawn, a month that was published, the audit, the accounts. */
async function supervisors(browser, origin, folder) {
  const sign = async (name, role, [language, look, viewport] = ["zh", "dark", DESKTOP]) => {
    if (role) addAccount(BINARY, folder, name, role);
    const page = await open(browser, { origin, viewport, locale: language === "zh" ? "zh-CN" : "en-GB", colorScheme: look });
    await signsIn(page, origin, name);
    return page;
  };
  const [sue, iris] = [await sign("sue", "supervisor"), await sign("iris", "inspector")];
  await keepsRecords(sue, iris, origin, folder);
  const { check, month } = await sue.evaluate(async () => {
    const first = async (path) => (await (await fetch(`/api/v1/${path}`)).json()).items[0].id;
    return { check: await first("month-checks"), month: await first("scores") };
  });
  for (const page of [sue, iris]) await page.context().close();
  addAccount(BINARY, folder, "ada", "administrator");
  for (const each of LOOKS) {
    const [page, ada] = [await sign("sue", null, each), await sign("ada", null, each)];
    for (const [name, screen] of Object.entries({ ...OF_SUPERVISION, check: [`/supervise/checks/${check}`, "visit"], month: [`/supervise/scores/${month}`, "published-month"] })) {
      await takeScreen(page, origin, screen);
      await save(page, `${name}-${each[3]}`);
    }
    await takeScreen(ada, origin, ["/accounts", "account"]);
    await save(ada, `accounts-${each[3]}`);
    for (const one of [page, ada]) await one.context().close();
  }
}

/** A page of all of them, beside them. */
function writeGallery(names) {
  const cell = (file) => `<img src="${file}.webp" width="240" alt="${file}">`;
  const rows = names.map((name) => `| ${name} | ${LOOKS.map(([, , , end]) => cell(`${name}-${end}`)).join(" | ")} |`);
  const text = ["# Every screen", "", "In Chinese and English, on a desk and on a telephone, of `citywatch demo`. `npm run pictures` takes them and writes this page.", "", "| | 中文 | English | 手机 | phone |", "|---|---|---|---|---|", ...rows, ""];
  writeFileSync(join(FOLDER, "README.md"), text.join("\n"));
}

mkdirSync(FOLDER, { recursive: true });
await inDemo(async ({ browser, demo, folder, address, origin }) => {
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
  for (const [language, look, viewport, end] of LOOKS) {
    const one = await fresh(browser, storageState, { viewport, language, look, origin });
    for (const [name, screen] of Object.entries(all)) {
      await takeScreen(one, origin, screen);
      await save(one, `${name}-${end}`);
    }
    await one.context().close();
  }
  for (const language of ["zh", "en"]) {
    const wall = await takeWall(browser, storageState, origin, language);
    await save(wall, `wall-${language}`);
    await wall.context().close();
  }
  await engineers(browser, origin, folder);
  await supervisors(browser, origin, folder);
  writeGallery([...Object.keys(all), "why-not", "workbench", ...Object.keys(OF_SUPERVISION), "check", "month", "accounts"]);
  await step("takes the map over streets", () => overStreets(browser));
});
