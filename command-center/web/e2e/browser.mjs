/** Debian's Chromium, driven by playwright-core, and what all browser tests ask of a page. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const DESKTOP = { width: 1440, height: 900 };
export const WALL = { width: 1920, height: 1080 };
export const WALL_4K = { width: 3840, height: 2160 };
export const PHONE = { width: 390, height: 844 };

/** Waits are for conditions, each at most this long: software rendering on a busy machine is slow. */
export const PATIENCE_MS = 60_000;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Root in a container has no sandbox to be in; the map needs WebGL, which SwiftShader draws without a GPU.
    args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-dev-shm-usage"],
  });
}

/** For whoever looks for a test that is only right on a fast machine: each answer of the API comes up to so many milliseconds late. */
const DELAY_MS = Number(process.env.DELAY_MS ?? 0);

/** A page that remembers what went wrong in it: errors, and requests to anywhere but its own origin. */
export async function open(browser, { viewport = DESKTOP, locale = "zh-CN", colorScheme = "dark", origin, ...rest } = {}) {
  const context = await browser.newContext({ viewport, locale, colorScheme, deviceScaleFactor: 1, ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  if (DELAY_MS > 0) {
    await page.route("**/api/v1/**", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * DELAY_MS));
      // The page may be gone by now.
      await route.continue().catch(() => undefined);
    });
  }
  page.on("pageerror", (error) => page.faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") page.faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (origin && !url.startsWith(origin) && !/^(data|blob):/.test(url)) page.faults.push(`asks elsewhere: ${url}`);
  });
  return page;
}

export function shooter(folder) {
  if (!folder) return async () => undefined;
  mkdirSync(folder, { recursive: true });
  return async (page, name) => {
    // Two frames, so that what was just changed is drawn.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };
}

/** Waits until the map has drawn all it was given. */
export async function mapReady(page, name = "map") {
  await page.locator(`[data-test="${name}"][data-state="ready"]`).waitFor();
}
