/** What a screen is on paper: light, without what is clicked, and nothing of it past the right edge of an A4 sheet. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DESKTOP } from "./browser.mjs";
import { until } from "./steps.mjs";

/** A4 without the margins of print.css, 12 mm on each side, in CSS pixels. */
const SHEET = { width: 703, height: 1000 };

/** What is wider than the sheet, by how much, and what is cut off inside; run in the page. */
function wider(width) {
  const said = (one) => `${one.tagName.toLowerCase()}.${one.className} "${one.textContent.trim().slice(0, 30)}"`;
  const shown = [...document.querySelectorAll("#app *")].filter((one) => one.checkVisibility() && !one.closest(".hidden-text, svg"));
  return shown.flatMap((one) => {
    const { right } = one.getBoundingClientRect();
    const cut = getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1;
    return right > width + 0.5 ? [`${said(one)} ends at ${right.toFixed(1)}`] : cut ? [`${said(one)} is cut`] : [];
  });
}

/** Looks at the screen that the page shows, and leaves it as it was. `folder` gets the PDF. Gives how many sheets it takes. */
export async function fitsPaper(page, name, folder) {
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  const desk = page.viewportSize() ?? DESKTOP;
  // As a printer does: the medium changes while the window is as wide as it was, and charts are drawn then or never.
  await page.emulateMedia({ media: "print" });
  await until(page, "paper is light", () => document.documentElement.dataset.theme === "light");
  const charts = await page.locator("canvas").evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.parentElement.clientWidth));
  assert.ok(charts.every((width) => width > 0 && width <= SHEET.width), `${name}: charts are drawn ${charts} pixels wide`);
  await page.setViewportSize(SHEET);
  const seen = await page.evaluate(() => ({
    head: [...document.querySelectorAll("header.bar")].filter((one) => one.checkVisibility()).length,
    asked: [...document.querySelectorAll("button.button, select, input, textarea")].filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 80)),
    inner: [...document.querySelectorAll(".scroll")].filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== "visible").length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  assert.deepEqual(seen, { head: 0, asked: [], inner: 0, wide: 0 }, `${name} on paper`);
  assert.deepEqual(await page.evaluate(wider, SHEET.width), [], `${name} on an A4 sheet`);
  await page.setViewportSize(desk);
  await page.emulateMedia({ media: null });
  await until(page, "the screen is as it was", (before) => document.documentElement.dataset.theme === before, theme);
  // From the screen, as by Ctrl+P.
  const pdf = await page.pdf({ preferCSSPageSize: true, ...(folder ? { path: join(folder, `paper-${name}.pdf`) } : {}) });
  return (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length;
}
