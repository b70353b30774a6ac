/**
 * How smooth the page is: `node e2e/measure.mjs`. Frame times in Chromium with software GL while 10,000 open incidents
 * scroll, and while a map with 100,000 sensors is dragged; and how long the first queue takes to be painted.
 * Needs `npm run build`. Times between frames are worth what the machine's other load lets them be: it is printed too,
 * and what a frame costs in CPU time, of the page and of the process that draws, which other load changes little.
 */
import { loadavg } from "node:os";
import { launch, mapReady, open } from "./browser.mjs";
import { Fixture } from "./fixture.mjs";

/** CPU time so far, in seconds: of all that run pages, and of the one that draws for them. */
async function cpu(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const of = (type) => processInfo.filter((one) => one.type === type).reduce((sum, one) => sum + one.cpuTime, 0);
  return { page: of("renderer"), gl: of("GPU") };
}

/** Records the time between two frames, and tasks of more than 50 ms, while `act` goes on. */
async function framesWhile(page, act) {
  await page.evaluate(() => {
    window.frames_ = [];
    window.tasks_ = [];
    let last = performance.now();
    window.recording_ = true;
    const next = (now) => {
      window.frames_.push(now - last);
      last = now;
      if (window.recording_) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    window.observer_ = new PerformanceObserver((list) => window.tasks_.push(...list.getEntries().map((one) => one.duration)));
    window.observer_.observe({ type: "longtask" });
  });
  const before = await cpu(page.context().browser());
  await act();
  const after = await cpu(page.context().browser());
  const { frames, tasks } = await page.evaluate(() => {
    window.recording_ = false;
    window.observer_.disconnect();
    return { frames: window.frames_.slice(1), tasks: window.tasks_ };
  });
  const sorted = [...frames].sort((a, b) => a - b);
  const share = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]?.toFixed(1);
  const each = (name) => `${((1000 * (after[name] - before[name])) / frames.length).toFixed(1)} ms`;
  return `CPU a frame ${each("page")} (page), ${each("gl")} (drawing); ${frames.length} frames, p50 ${share(0.5)} ms, p95 ${share(0.95)} ms, p99 ${share(0.99)} ms, longest ${sorted.at(-1)?.toFixed(1)} ms; tasks over 50 ms: ${tasks.length}, longest ${Math.max(0, ...tasks).toFixed(0)} ms`;
}

async function withCity(browser, name, size, act) {
  const fixture = new Fixture(size);
  const origin = await fixture.start();
  const page = await open(browser, { origin });
  try {
    await act(page, origin, fixture);
  } finally {
    console.log(`      ${name}: load average ${loadavg()[0].toFixed(1)}`, page.faults.join("\n"));
    await page.context().close();
    await fixture.stop();
  }
}

const browser = await launch();

// From asking for the page until the first incident is painted; of a browser with nothing kept.
for (const which of ["in a browser that has just started", ...Array(4).fill("in one that is open")]) {
  await withCity(browser, "incidents", { sensors: 2_000, open: 10_000, cleared: 0 }, async (page, origin) => {
    const began = Date.now();
    await page.goto(origin);
    await page.locator('[data-test="row"]').first().waitFor();
    await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
    console.log(`queue painted after ${Date.now() - began} ms, ${which}`);
  });
}

await withCity(browser, "incidents", { sensors: 2_000, open: 10_000, cleared: 0 }, async (page, origin) => {
  await page.goto(origin);
  await page.waitForFunction(() => document.querySelector('[data-test="queue-count"]')?.textContent.startsWith("10,000"));
  await mapReady(page);
  await page.waitForTimeout(5_000);
  await page.mouse.move(1300, 600);
  console.log("10,000 open incidents, at rest:  ", await framesWhile(page, () => page.waitForTimeout(4_000)));
  console.log("10,000 open incidents, scrolling:", await framesWhile(page, async () => {
    for (let at = 0; at < 120; at += 1) {
      await page.mouse.wheel(0, at % 10 === 9 ? 20_000 : 240);
      await page.waitForTimeout(30);
    }
  }));
  console.log(`rows in the document: ${await page.locator('[data-test="row"]').count()}`);
});

await withCity(browser, "sensors", { sensors: 100_000, open: 300 }, async (page, origin) => {
  await page.goto(origin);
  await mapReady(page);
  await page.waitForFunction(() => document.querySelector('[data-test="map"]')?.dataset.sensors === "100000");
  await page.waitForTimeout(10_000);
  const drag = async () => {
    await page.mouse.move(600, 500);
    await page.mouse.down();
    for (let at = 0; at < 60; at += 1) {
      await page.mouse.move(600 + 150 * Math.sin(at / 8), 500 + 100 * Math.cos(at / 8));
      await page.waitForTimeout(30);
    }
    await page.mouse.up();
  };
  console.log("100,000 sensors, whole city, dragged:", await framesWhile(page, drag));
  for (let at = 0; at < 3; at += 1) await page.mouse.dblclick(600, 560);
  await page.waitForTimeout(10_000);
  console.log("100,000 sensors, near, dragged:      ", await framesWhile(page, drag));
});

await browser.close();
