/** Every screen of the program, in both languages, on a desk and on a telephone: pictures for docs/pictures, and for eyes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, mapReady, open, PHONE, WALL, WALL_4K } from "./browser.mjs";
import { until } from "./steps.mjs";

/** Of a picture of the documentation. */
const BYTES_MAX = 200_000;

/** Saves what a page shows as WebP in a folder. */
export function saver(folder) {
  return async (page, name) => {
    const session = await page.context().newCDPSession(page);
    for (const quality of [82, 70, 55]) {
      const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
      const bytes = Buffer.from(data, "base64");
      if (bytes.length > BYTES_MAX && quality > 55) continue;
      assert.ok(bytes.length <= BYTES_MAX, `${name} has ${bytes.length} bytes`);
      writeFileSync(join(folder, `${name}.webp`), bytes);
      console.log(`      ${name}.webp ${(bytes.length / 1000).toFixed(0)} kB`);
      return;
    }
  };
}

/** A page that comes up in a language and a theme of its own, so that no picture depends on the one before. */
export async function fresh(browser, storageState, { viewport, language, look, origin }) {
  const page = await open(browser, { viewport, locale: language === "zh" ? "zh-CN" : "en-GB", colorScheme: look, origin, storageState: { cookies: storageState.cookies, origins: [] } });
  await page.goto(origin, { waitUntil: "commit" });
  return page;
}

/** Whether all charts and maps in sight are drawn. */
export async function drawn(page) {
  await until(page, "charts have readings or say that there are none", () => [...document.querySelectorAll('[data-test="chart"]')].every((one) => Number(one.dataset.points) > 0 || one.querySelector(".note") !== null));
  await until(page, "maps are drawn", () => [...document.querySelectorAll("[data-state]")].filter((one) => /map/.test(one.dataset.test ?? "")).every((one) => one.dataset.state !== "loading"));
  // The map fades its tiles and names in; two frames after it is idle is soon enough for a picture.
  await page.waitForTimeout(1_200);
}

/** The screens: where they are, and what says that they are there. */
export const screens = (ids) => ({
  overview: ["/", "row"],
  incident: [`/incidents/${ids.incident}`, "chart"],
  cases: ["/cases", "case-card"],
  case: [`/cases/${ids.case}`, "case-steps"],
  analyze: ["/analyze?days=1", "spot"],
  alarms: ["/analyze?view=alarms&days=1", "rule-health"],
  history: ["/analyze?view=history&metric=level_m", "history-row"],
  verdicts: ["/analyze?view=verdicts&days=1", "verdicts"],
  forecasts: ["/analyze?view=forecasts", "forecast-row"],
  serve: ["/serve", "appeals"],
  supervise: ["/supervise", "kpis"],
  duty: ["/duty", "piece"],
  notices: ["/public-notices", "dossier-row"],
  areas: ["/perceive/areas", "area-row"],
  roads: ["/perceive/roads", "road"],
  coverage: ["/perceive/coverage", "coverage-district"],
  feeds: ["/perceive/feeds", "feed"],
  maintenance: ["/perceive/maintenance", "maintenance"],
  sensors: ["/sensors", "sensor-row"],
  rules: ["/rules", "rule-version"],
  citizen: ["/citizen", "report"],
  follow: ["/citizen/appeals", "look-up"],
  data: ["/citizen/data", "data-row"],
});

/** What a demo has none of: a roster with a chain, and something that the city tells everybody. */
export async function furnish(page) {
  const statuses = await page.evaluate(async () => {
    const post = async (path, body) => {
      const answer = await fetch(`/api/v1${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      return { status: answer.status, made: await answer.json() };
    };
    const days = [1, 2, 3, 4, 5, 6, 7];
    const shifts = [
      { days, from: "08:00", to: "20:00", people: ["李娜", "王磊"], turns: "daily", since: "2026-01-05" },
      { days, from: "20:00", to: "08:00", people: ["张伟", "陈静"], turns: "weekly", since: "2026-01-05" },
    ];
    const roster = await post("/rosters", { name: "排水值班", shifts });
    const steps = [{ notify: [`roster/${roster.made.id}`], wait_ms: 600_000 }, { notify: ["值班主任"], wait_ms: 1_800_000 }];
    const chain = await post("/chains", { name: "排水重大告警", domains: ["drainage"], severity: "severe", quiet: { from: "23:00", to: "06:00" }, steps });
    const { now_at } = await (await fetch("/api/v1/areas/now")).json();
    const words = { title: "东二环部分路段积水，请绕行", text: "受暴雨影响，东二环朝阳门至建国门段积水约 30 厘米，排水集团正在抽排，预计两小时内恢复通行。", title_en: "Water on the East 2nd Ring: take another way", text_en: "After the rainstorm about 30 cm of water stand between Chaoyangmen and Jianguomen. It is being pumped off; the road should be open again within two hours." };
    const notice = await post("/public-notices", { ...words, area: "110101", until: now_at + 2 * 3_600_000 });
    return [roster.status, chain.status, notice.status];
  });
  if (statuses.some((status) => status !== 201)) throw new Error(`what is made for pictures was answered ${statuses}`);
}

export async function takeScreen(page, origin, [path, part]) {
  await page.goto(origin + path);
  await page.locator(`[data-test="${part}"]`).first().waitFor();
  if (path === "/") await mapReady(page);
  await drawn(page);
}

/** The screen on the wall, of a size. */
export async function takeWall(browser, storageState, origin, language, viewport = WALL) {
  const wall = await fresh(browser, storageState, { viewport, language, look: "dark", origin });
  await wall.goto(`${origin}/wall?lang=${language}`);
  await wall.locator('[data-test="wall-map"][data-state="ready"]').waitFor();
  await wall.locator('[data-test="wall-districts"] tbody tr').first().waitFor();
  await drawn(wall);
  return wall;
}

/** Takes all of them; `looks` are the themes. */
export async function pictures(browser, storageState, origin, shoot, ids, looks = ["dark", "light"]) {
  for (const language of ["zh", "en"]) {
    for (const look of looks) {
      for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
        const page = await fresh(browser, storageState, { viewport, language, look, origin });
        for (const [name, screen] of Object.entries(screens(ids))) {
          await takeScreen(page, origin, screen);
          await shoot(page, `${name}-${language}-${look}-${size}`);
        }
        await page.context().close();
      }
    }
    for (const [size, viewport] of Object.entries({ hd: WALL, "4k": WALL_4K })) {
      const wall = await takeWall(browser, storageState, origin, language, viewport);
      await shoot(wall, `wall-${language}-${size}`);
      await wall.context().close();
    }
  }
}
