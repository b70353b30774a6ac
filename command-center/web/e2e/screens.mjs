/** Every screen of the program, in both languages, on a desk and on a telephone: pictures for docs/pictures, and for eyes. */
import { DESKTOP, mapReady, open, PHONE, WALL } from "./browser.mjs";
import { until } from "./steps.mjs";

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
  supervise: ["/supervise", "kpis"],
  sensors: ["/sensors", "sensor-row"],
  rules: ["/rules", "rule-version"],
  citizen: ["/citizen", "report"],
});

export async function takeScreen(page, origin, [path, part]) {
  await page.goto(origin + path);
  await page.locator(`[data-test="${part}"]`).first().waitFor();
  if (path === "/") await mapReady(page);
  await drawn(page);
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
    const wall = await fresh(browser, storageState, { viewport: WALL, language, look: "dark", origin });
    await wall.goto(`${origin}/wall?lang=${language}`);
    await wall.locator('[data-test="wall-map"][data-state="ready"]').waitFor();
    await wall.locator('[data-test="wall-districts"] tbody tr').first().waitFor();
    await drawn(wall);
    await shoot(wall, `wall-${language}`);
    await wall.context().close();
  }
}
