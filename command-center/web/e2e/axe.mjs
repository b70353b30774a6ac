/** Whether a screen can be used by everybody: axe-core's rules of WCAG 2.2 AA, of which none may be broken. */
import assert from "node:assert/strict";
import axe from "axe-core";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Runs the rules over what the page shows now. Evaluated by the browser's debugger, which the content policy lets be. */
export async function isAccessible(page, screen) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.slice(0, 5).map((node) => `    ${node.target.join(" ")}: ${node.failureSummary.split("\n").slice(1).join(" ").trim()}`).join("\n")}`);
  }, TAGS);
  assert.deepEqual(found, [], `axe-core on ${screen}`);
}

/** The same in the theme that is on and in the other one; it is left as it was. */
export async function inBothThemes(page, screen) {
  for (let turn = 0; turn < 2; turn += 1) {
    const theme = await page.evaluate(() => document.documentElement.dataset.theme);
    await isAccessible(page, `${screen}, ${theme}`);
    await page.locator('[data-test="theme"]').click();
  }
}
