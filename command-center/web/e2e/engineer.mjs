/** What an engineer does in the rules workbench: edits, mends, tests, tries, applies, rolls back. Against the real program. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { signsIn } from "./command.mjs";
import { switchesLanguage, until } from "./steps.mjs";

/** The rule whose threshold is edited, its file, and the line that has it. */
const FILE = "rules/packs/waste.yaml";
const RULE = "waste.bin-full";
const LEVEL = "severity: minor, when: \"min(fill_ratio";
const AFTER_THRESHOLD = '", clear_when: fill_ratio < 0.5 }';
const AFTER_METRIC = " < 0.5 }";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const state = (page, kind) => page.locator(`[data-test="workbench"][data-state="${kind}"]`);
const line = (page, words) => page.locator(".cm-line", { hasText: words }).first();

/** In the first line with these words, before its last words: takes so many characters away and types others. */
async function edits(page, words, before, erase, type) {
  await line(page, words).click();
  // Twice: the line may be folded into several.
  await page.keyboard.press("End");
  await page.keyboard.press("End");
  for (let times = 0; times < before.length; times += 1) await page.keyboard.press("ArrowLeft");
  for (let times = 0; times < erase.length; times += 1) await page.keyboard.press("Backspace");
  await page.keyboard.type(type);
}

export async function opensTheWorkbench(page, origin, name) {
  await signsIn(page, origin, name, "/rules");
  await page.goto(`${origin}/rules`);
  await at(page, "tab-workbench").click();
  await page.locator(`[data-test="rule-file"][data-path="${FILE}"]`).click();
  await page.locator(`[data-test="rule-editor"][data-path="${FILE}"][data-state="ready"]`).waitFor();
  await state(page, "good").waitFor();
  assert.ok(await at(page, "apply").isDisabled(), "nothing was edited yet");
  await isAccessible(page, "the workbench");
}

/** A threshold is another; a typo is marked where it stands, with the mend; completion writes what was meant. */
export async function editsAThreshold(page) {
  await page.locator(`[data-test="rule-entry"][data-id="${RULE}"]`).click();
  await edits(page, LEVEL, AFTER_THRESHOLD, "", "1");
  await state(page, "good").waitFor();
  await edits(page, LEVEL, AFTER_METRIC, "o", "");
  await state(page, "wrong").waitFor();
  await page.locator('[data-test="problem"][data-level="error"]', { hasText: "fill_ratio" }).waitFor();
  await page.locator(".cm-lintRange-error").first().waitFor();
  assert.ok(await at(page, "apply").isDisabled(), "what is wrong cannot be applied");
  await page.locator(".cm-lintRange-error").first().hover();
  await page.locator(".cm-tooltip-lint", { hasText: "fill_ratio" }).waitFor();
  await inBothThemes(page, "the workbench with an error");
  await edits(page, LEVEL, AFTER_METRIC, "", "o");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: "fill_ratio" }).first().waitFor();
  await isAccessible(page, "completion");
  await page.keyboard.press("Enter");
  await page.locator(".cm-tooltip-autocomplete").waitFor({ state: "detached" });
  await state(page, "good").waitFor();
}

/** Set too high, a test fails and says what it saw; set back, all pass. */
export async function seesTheTests(page) {
  await at(page, "tab-tests").click();
  await edits(page, LEVEL, AFTER_THRESHOLD, "1", "9");
  await state(page, "wrong").waitFor();
  const failed = page.locator('[data-test="test-case"][data-passed="false"]');
  await failed.locator("tr.missing").first().waitFor();
  await isAccessible(page, "a test that fails");
  await edits(page, LEVEL, AFTER_THRESHOLD, "9", "1");
  await state(page, "good").waitFor();
  const tests = await at(page, "tests").evaluate((box) => [Number(box.dataset.passed), Number(box.dataset.failed)]);
  assert.ok(tests[0] > 20 && tests[1] === 0, `${tests[0]} passed, ${tests[1]} failed`);
}

/** A file is added by a dialog, which says when there is one of its path, and taken away again. */
export async function addsAFile(page) {
  await at(page, "file-add").click();
  await at(page, "file-name").fill(FILE);
  assert.ok(await at(page, "file-add-send").isDisabled(), "there is a file of this path");
  await at(page, "file-name").fill("rules/packs/extra");
  await isAccessible(page, "the dialog that adds a file");
  await page.keyboard.press("Enter");
  const file = page.locator('[data-test="rule-file"][data-path="rules/packs/extra.yaml"]');
  await file.waitFor();
  await at(page, "file-remove").click();
  await at(page, "sure").click();
  await file.waitFor({ state: "detached" });
  await page.locator(`[data-test="rule-file"][data-path="${FILE}"]`).click();
  await page.locator(`[data-test="rule-editor"][data-path="${FILE}"]`).waitFor();
  await state(page, "good").waitFor();
}

/** The edited rules against those in force, over the hours that the demo played. */
export async function triesIt(page) {
  await at(page, "tab-backtest").click();
  await at(page, "backtest-span").selectOption("24");
  await at(page, "backtest-begin").click();
  await at(page, "backtest-cancel").click();
  await page.locator('[data-test="backtest"][data-state="cancelled"]').waitFor();
  await at(page, "backtest-begin").click();
  await page.locator('[data-test="backtest"][data-state="done"]').waitFor({ timeout: 240_000 });
  const chart = await at(page, "backtest-chart").evaluate((figure) => [Number(figure.dataset.live), Number(figure.dataset.draft)]);
  assert.ok(chart[0] > 0 && chart[1] > 0, `the rules in force find ${chart[0]}, the draft ${chart[1]}`);
  await at(page, "backtest-chart").locator("canvas").waitFor();
  const rule = page.locator(`[data-test="backtest-rule"][data-rule="${RULE}"]`);
  await rule.getByRole("button").click();
  await page.locator('[data-test="backtest-change"]').first().waitFor();
  await inBothThemes(page, "a backtest");
  return chart;
}

/** Applied with a reason, it is the version in force; the rules before come back by a rollback. */
export async function appliesIt(page) {
  const before = Number(await at(page, "workbench").getAttribute("data-version"));
  await at(page, "apply").click();
  await page.locator(`[data-test="file-diff"][data-path="${FILE}"]`).waitFor();
  assert.ok(await at(page, "apply-send").isDisabled(), "a reason is asked for");
  await at(page, "apply-reason").fill("八成一才告警，减少空跑");
  await isAccessible(page, "the dialog that applies");
  await at(page, "apply-send").click();
  await at(page, "applied").waitFor();
  await page.locator(`[data-test="workbench"][data-version="${before + 1}"]`).waitFor();
  await at(page, "tab-versions").click();
  const newest = at(page, "rule-version").first();
  await newest.locator('[data-test="in-force"]').waitFor();
  assert.match(await newest.innerText(), /erin[^]*八成一/);
  assert.deepEqual(await newest.locator('[data-kind="changed"]').allInnerTexts(), [RULE]);
  await newest.locator('[data-test="compare"]').click();
  await page.locator('[data-test="compare-dialog"] [data-test="file-diff"]', { hasText: "0.81" }).waitFor();
  await isAccessible(page, "two versions compared");
  await page.keyboard.press("Escape");
  return before;
}

/** Another engineer applied something since: who was slower is told, and puts the draft over it. */
export async function isToldOfAnother(page, other, origin) {
  await page.goto(`${origin}/rules/workbench`);
  await state(page, "good").waitFor();
  await page.locator('[data-test="rule-file"][data-path="rules/packs/cross.yaml"]').click();
  await line(page, "rules:").click();
  await page.keyboard.press("Home");
  await page.keyboard.type("# Looked at by erin.\n");
  await state(page, "good").waitFor();
  const status = await other.evaluate(async () => {
    const answer = await fetch("/api/v1/rules/versions/current");
    const { files } = await answer.json();
    const edited = files.map((file) => (file.path.endsWith("air.yaml") ? { ...file, text: `# Looked at by finn.\n${file.text}` } : file));
    const head = { "content-type": "application/json", "if-match": answer.headers.get("etag") };
    return (await fetch("/api/v1/rules/apply", { method: "POST", headers: head, body: JSON.stringify({ files: edited, reason: "looked at" }) })).status;
  });
  assert.equal(status, 200);
  await at(page, "apply").click();
  await at(page, "apply-reason").fill("also looked at");
  await at(page, "apply-send").click();
  await at(page, "rebase").click();
  page.faults = page.faults.filter((fault) => !/status of 412/.test(fault));
  await at(page, "apply-send").and(page.locator(":enabled")).click();
  await at(page, "applied").waitFor();
  await page.locator('[data-test="rule-file"][data-path="rules/packs/air.yaml"]').click();
  await line(page, "Looked at by finn").waitFor();
}

export async function rollsBack(page, to) {
  await at(page, "tab-versions").click();
  const rows = at(page, "rule-version");
  await rows.first().waitFor();
  const count = await rows.count();
  await rows.nth(count - to).locator('[data-test="rollback"]').click();
  await at(page, "rollback-reason").fill("回到原来的规则");
  await at(page, "rollback-send").click();
  await until(page, "the rules before are a new version", (before) => document.querySelectorAll('[data-test="rule-version"]').length === before + 1, count);
  assert.match(await rows.first().innerText(), /回到原来的规则/);
}

/** From a bin to the rule that was quiet there: each part of its condition is drawn over the hour before. */
export async function asksWhyNot(page, origin) {
  const bin = await page.evaluate(async () => (await (await fetch("/api/v1/sensors?domain=waste&state=online&limit=1")).json()).items[0].id);
  await page.goto(`${origin}/sensors/${encodeURIComponent(bin)}`);
  await at(page, "to-why-not").click();
  assert.equal(await at(page, "why-key").inputValue(), bin);
  await at(page, "why-rule").fill(RULE);
  await until(page, "the clock of the log is known", () => document.querySelector('[data-test="why-at"]').value !== "");
  await at(page, "why-send").click();
  await at(page, "verdict").waitFor();
  assert.ok((await page.locator('[data-test="lane"] rect').count()) > 0, "the condition is drawn");
  await page.reload();
  await at(page, "verdict").waitFor();
  await inBothThemes(page, "why not");
  await at(page, "why-key").fill("no-such-bin");
  await at(page, "why-send").click();
  await page.locator('[data-test="why-not"][data-state="not-selected"]').waitFor();
  await page.goBack();
  await at(page, "lane").first().waitFor();
}

/** Both languages and themes; the backtest is open. */
export async function picturesOfTheWorkbench(page, shoot) {
  for (const language of ["zh", "en"]) {
    for (const look of ["dark", "light"]) {
      await shoot(page, `workbench-${language}-${look}`);
      await at(page, "theme").click();
    }
    await switchesLanguage(page);
  }
}
