/**
 * What an operator does in the first five minutes, against the real program: `node e2e/operator.mjs [FOLDER]`.
 * Starts `citywatch demo` (CITYWATCH names the binary, ../../target/release/citywatch by default) in a folder of its own,
 * signs in by the link that it prints, and takes pictures in both languages, themes and sizes when FOLDER is named.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, open, PATIENCE_MS, PHONE, shooter } from "./browser.mjs";
import { addAccount, checksIt, dispatchesIt, findsItInTheList, handlesIt, judgesIt, makesACase, signsIn } from "./command.mjs";
import { deliberates, interviews, objects, publishes, sendsItBack, tellsEverybody, upholds } from "./dossiers.mjs";
import { plansDuty } from "./duty.mjs";
import { ARRIVAL_MS, BINARY, startDemo, step, stopDemo } from "./demo.mjs";
import { typesOf } from "../api.mjs";
import { findsReturned, shelves, takesOn, takesOutOfService } from "./asides.mjs";
import { givesAccounts } from "./accounts.mjs";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { fitsPaper } from "./paper.mjs";
import { furnish, pictures } from "./screens.mjs";
import { keepsRecords } from "./supervise.mjs";
import { addsAFile, appliesIt, asksWhyNot, editsAThreshold, isToldOfAnother, opensTheWorkbench, picturesOfTheWorkbench, rollsBack, seesTheTests, triesIt } from "./engineer.mjs";
import { acknowledges, analyses, looksAtASensor, looksAtRuleVersions, openDomains, opensByKeyboard, opensOne, seesOneArrive, seesTheCalculation, seesTheCity, seesWhy, switchesLanguage } from "./steps.mjs";

const SCHEMA = new URL("../src/api/schema.ts", import.meta.url);
const shoot = shooter(process.argv[2]);

async function firstFiveMinutes(page, link, live, startedAt) {
  await step("signs in by the printed link", async () => {
    await page.goto(link);
    await page.waitForURL((url) => url.pathname === "/");
  });
  await step("sees the map, the queue and the clock", () => seesTheCity(page));
  await step("sees open incidents in three domains or more", async () => {
    const deadline = Date.now() + PATIENCE_MS;
    let domains = await openDomains(page);
    while (domains.length < 3 && Date.now() < deadline) {
      await page.waitForTimeout(500);
      domains = await openDomains(page);
    }
    assert.ok(domains.length >= 3, `open in ${domains.join(", ") || "none"}`);
    console.log(`      ${domains.join(", ")}: ${((Date.now() - startedAt) / 1000).toFixed(1)} s after the start of the program`);
  });
  await step("waits until the past is played", () => live);
  await step("sees an incident arrive live", () => seesOneArrive(page, undefined, ARRIVAL_MS));
  await step("moves through the queue by keyboard", async () => {
    await opensByKeyboard(page);
    await page.goBack();
  });
  const id = await step("opens an incident", () => opensOne(page));
  await step("sees why it was raised", () => seesWhy(page));
  await step("has it calculated again from the log", async () => {
    await seesTheCalculation(page);
    await inBothThemes(page, "an incident with its calculation");
  });
  await step("acknowledges it with a note, and sees it acknowledged", () => acknowledges(page, id, "已通知值班室，正在核实"));
  return id;
}

/** ISA-18.2: alarms that are set aside, what was cleared before anybody looked, and who sees to what. */
async function alarms(page, origin) {
  await step("takes an incident on, and gives it back", () => takesOn(page, origin));
  const id = await step("shelves an alarm, finds it in the list, ends it", () => shelves(page, origin, shoot));
  await step("takes it out of service, and is told that somebody was faster", () => takesOutOfService(page, origin, id));
  await step("finds what was cleared and not acknowledged", () => findsReturned(page, origin));
}

/** A case from the incident to its end: the operator's page, and one of its own for each of the others. */
async function aCase(browser, page, origin, folder) {
  const id = await step("makes a case of an incident", () => makesACase(page, origin));
  const unit = await step("dispatches it, and is told of a change meanwhile", () => dispatchesIt(page, id));
  await step("all of it is for everybody", async () => {
    const screens = [["/cases", "case-card"], ["/cases?view=list&state=all", "case-row"], [`/cases/${id}`, "case-steps"]];
    for (const [path, part] of screens) {
      await page.goto(origin + path);
      await page.locator(`[data-test="${part}"]`).first().waitFor();
      await inBothThemes(page, path);
      await fitsPaper(page, part, process.argv[2]);
    }
    await page.goto(`${origin}/cases/${id}`);
    await page.locator('[data-act="transfer"]').click();
    await page.locator('[data-test="act-dialog"]').waitFor();
    await isAccessible(page, "a dialog");
    await page.keyboard.press("Escape");
  });
  const others = [];
  const as = async (name, role, ofUnit) => {
    addAccount(BINARY, folder, name, role, ofUnit);
    const other = await open(browser, { origin });
    others.push(other);
    await signsIn(other, origin, name);
    return other;
  };
  const [wang, iris] = [await as("wang", "unit", unit), await as("iris", "inspector")];
  await step("its unit accepts it, works, and feeds back with a picture", () => handlesIt(wang, id));
  await step("it is found not mended once", () => sendsItBack(iris, wang, id));
  await step("an inspector checks it, and it is closed", () => checksIt(iris, origin, id));
  await step("the operator sees it closed, live", () => page.locator('[data-test="case"][data-state="closed"]').waitFor());
  await step("finds it in the list", () => findsItInTheList(page, origin, id));
  const [sue, sam] = [await as("sue", "supervisor"), await as("sam", "supervisor")];
  await step("a supervisor sees the month, and judges the case", () => judgesIt(sue, origin, id, unit));
  await step("a check is drawn and visited, a month published, and the audit has it", () => keepsRecords(sue, iris, origin, folder));
  const objection = await step("its unit objects to the rework", () => objects(wang, origin, id));
  await step("another supervisor upholds the objection", () => upholds(sam, origin, objection, shoot));
  await step("the first one calls the unit to an interview", () => interviews(sue, origin, id, shoot));
  const panel = await step("the operator puts the case to a panel", () => deliberates(page, origin, id));
  const ada = await as("ada", "administrator");
  await step("an administrator plans who is told", () => plansDuty(ada, origin));
  const nina = await open(browser, { origin });
  others.push(nina);
  await step("gives out an account and a token, and takes them back", () => givesAccounts(ada, origin, nina, shoot));
  const stranger = await open(browser, { origin, viewport: PHONE });
  others.push(stranger);
  await step("it is published, and everybody reads it", () => publishes(sue, origin, panel, stranger, shoot));
  await step("tells everybody about it, and takes it back", () => tellsEverybody(page, origin, id, stranger, shoot));
  for (const other of others) {
    assert.deepEqual(other.faults, []);
    await other.context().close();
  }
  return id;
}

/** Other rules, from the first edit to a rollback, by an engineer; another one is at work too. */
async function rules(browser, origin, folder) {
  const pages = [];
  for (const name of ["erin", "finn"]) {
    addAccount(BINARY, folder, name, "rule-engineer");
    pages.push(await open(browser, { origin }));
  }
  const [page, other] = pages;
  await signsIn(other, origin, "finn");
  await step("an engineer opens the workbench", () => opensTheWorkbench(page, origin, "erin"));
  await step("adds a file and takes it away", () => addsAFile(page));
  await step("edits a threshold, and mends a typo", () => editsAThreshold(page));
  await step("sees the tests fail, then pass", () => seesTheTests(page));
  await step("tries it on what the city measured", () => triesIt(page));
  if (process.argv[2]) await step("takes pictures of the workbench", () => picturesOfTheWorkbench(page, shoot));
  const before = await step("applies it, with a reason", () => appliesIt(page));
  await step("is told of another engineer's version", () => isToldOfAnother(page, other, origin));
  await step("rolls back", () => rollsBack(page, before));
  await step("asks why a rule did not fire", () => asksWhyNot(page, origin));
  if (process.argv[2]) await shoot(page, "why-not-zh-dark-desktop");
  for (const one of pages) {
    assert.deepEqual(one.faults, []);
    await one.context().close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "citywatch-browser-"));
const browser = await launch();
const startedAt = Date.now();
const demo = await startDemo(folder);
const { link, live } = demo;
process.on("exit", () => demo.child.kill("SIGKILL"));
try {
  const address = await link;
  const { origin } = new URL(address);
  const page = await open(browser, { origin });
  try {
    await step("the page's types are the API's", async () => {
      const types = await typesOf(await (await fetch(`${origin}/api/openapi.json`)).json());
      assert.ok(types === readFileSync(SCHEMA, "utf8"), "src/api/schema.ts is not the API's: its first line says how it is made");
    });
    await step("the page has a strict policy", async () => {
      const policy = (await fetch(origin)).headers.get("content-security-policy");
      assert.match(policy, /default-src 'self'/);
      assert.doesNotMatch(policy, /unsafe/);
    });
    const id = await firstFiveMinutes(page, address, live, startedAt);
    await step("switches the language", async () => {
      await switchesLanguage(page);
      await switchesLanguage(page);
    });
    await alarms(page, origin);
    const caseId = await aCase(browser, page, origin, folder);
    if (process.argv[2]) await furnish(page);
    if (process.argv[2]) await step("takes pictures", async () => pictures(browser, await page.context().storageState(), origin, shoot, { incident: id, case: caseId }));
    await step("looks at a sensor", () => looksAtASensor(page));
    await step("analyses what was found", async () => {
      const { compared, hot } = await analyses(page, origin, inBothThemes);
      console.log(`      ${compared} areas with incidents, ${hot} hot`);
    });
    await step("sees which rules are in force", async () => {
      const { count, added } = await looksAtRuleVersions(page);
      assert.equal(count, 1, "the demo's own rules are the only version");
      assert.ok(added.length > 0, "the first version added all of them");
      await shoot(page, "rules-zh-dark-desktop");
    });
    assert.deepEqual(page.faults, []);
    await rules(browser, origin, folder);
    assert.deepEqual(page.faults, []);
  } catch (error) {
    console.log(`FAIL  ${error.stack}\n${error.cause ?? ""}\n${page.faults.join("\n")}`);
    await shoot(page, "failed").catch(() => undefined);
    process.exitCode = 1;
  }
} catch (error) {
  console.log(`FAIL  ${error.stack}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await stopDemo(demo.child);
  rmSync(folder, { recursive: true, force: true });
}
