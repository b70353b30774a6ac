/** Alarms that an operator sets aside, and incidents that are given to somebody. Against the real program. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const rowOf = (page, id) => page.locator(`[data-test="row"][data-id="${id}"]`);

/** Selects by keyboard the row that changed longest ago, which hardly changes under the hand; gives its incident's id. */
async function selects(page, origin) {
  await page.goto(origin);
  await at(page, "row").first().waitFor();
  await page.keyboard.press("k");
  return page.locator('[data-test="row"].selected').getAttribute("data-id");
}

/** Takes an incident on by keyboard, and sees it among their own. */
export async function takesOn(page, origin) {
  const id = await selects(page, origin);
  await page.keyboard.press("t");
  await at(page, "assign-dialog").waitFor();
  await isAccessible(page, "the dialog that assigns");
  await at(page, "assign-me").click();
  await at(page, "assign-reason").fill("离现场最近");
  await at(page, "assign-send").click();
  await at(page, "assign-dialog").waitFor({ state: "detached" });
  await page.keyboard.press("m");
  await until(page, "only what is assigned to them is listed", (wanted) => {
    const rows = [...document.querySelectorAll('[data-test="row"]')];
    return rows.length === 1 && rows[0].dataset.id === wanted && rows[0].querySelector('[data-test="row-assignee"]') !== null;
  }, id);
  await page.keyboard.press("m");
  await page.goto(`${origin}/incidents/${id}`);
  await at(page, "assignee").waitFor();
  assert.match(await at(page, "timeline").innerText(), /离现场最近/, "the reason stands in what was done");
  await page.keyboard.press("t");
  await at(page, "assign-dialog").waitFor();
  await at(page, "assign-send").and(page.locator(":enabled")).click();
  await at(page, "assignee").waitFor({ state: "detached" });
}

/** Shelves an alarm by keyboard: it leaves the queue, stands in the list and on its page, and is back when it is ended. */
export async function shelves(page, origin, shoot) {
  const id = await selects(page, origin);
  await page.keyboard.press("s");
  await at(page, "aside-dialog").waitFor();
  await isAccessible(page, "the dialog that sets aside");
  assert.ok(await at(page, "aside-send").isDisabled(), "without a reason nothing is set aside");
  await at(page, "aside-hours").selectOption("4");
  await at(page, "aside-reason").fill("泵站检修，现场有人");
  await shoot(page, "aside-dialog");
  await at(page, "aside-send").click();
  await rowOf(page, id).waitFor({ state: "detached" });
  await page.goto(`${origin}/incidents/${id}`);
  await page.locator('[data-test="aside"][data-kind="shelved"]').waitFor();
  await page.locator('[data-test="aside"]', { hasText: "泵站检修" }).waitFor();
  assert.equal(await at(page, "set-aside").count(), 0, "what is set aside is not set aside again");
  await inBothThemes(page, "an incident whose alarm is shelved");
  await page.goto(`${origin}/analyze`);
  await at(page, "view-asides").click();
  const row = page.locator(`[data-test="aside-row"]:has(a[href="/incidents/${id}"])`);
  await row.waitFor();
  assert.match(await row.innerText(), /泵站检修/);
  await inBothThemes(page, "what is set aside");
  await shoot(page, "asides");
  await row.locator('[data-test="aside-end"]').click();
  await at(page, "aside-end-note").fill("提前修好");
  await at(page, "aside-end-send").click();
  await row.waitFor({ state: "detached" });
  await page.goto(`${origin}/incidents/${id}`);
  await at(page, "set-aside").waitFor();
  return id;
}

/** Takes an alarm out of service on its page, without an end, is refused a second time, and ends it there. */
export async function takesOutOfService(page, origin, id) {
  await page.goto(`${origin}/incidents/${id}`);
  await at(page, "set-aside").click();
  await at(page, "aside-out_of_service").check();
  await at(page, "aside-reason").fill("探头损坏，等待更换");
  // Somebody else is faster.
  const status = await page.evaluate(async (path) => {
    const { headers } = await fetch(path);
    const head = { "content-type": "application/json", "if-match": headers.get("etag") };
    return (await fetch(`${path}/suppress`, { method: "POST", headers: head, body: JSON.stringify({ reason: "已知" }) })).status;
  }, `/api/v1/incidents/${id}`);
  assert.equal(status, 200);
  await at(page, "aside-send").click();
  await at(page, "aside-told").waitFor();
  assert.ok(await at(page, "aside-send").isDisabled(), "it is set aside already");
  page.faults = page.faults.filter((fault) => !/status of (409|412)/.test(fault));
  await page.keyboard.press("Escape");
  await page.locator('[data-test="aside"][data-kind="suppressed"]').waitFor();
  await at(page, "aside-end").click();
  await at(page, "aside-end-send").click();
  await at(page, "aside").waitFor({ state: "detached" });
  await at(page, "set-aside").waitFor();
}

/** What was cleared before anybody acknowledged it, by keyboard: all of the rows are that. */
export async function findsReturned(page, origin) {
  await page.goto(origin);
  await at(page, "row").first().waitFor();
  await page.keyboard.press("r");
  const wanted = (await (await page.context().request.get(`${origin}/api/v1/incidents?state=cleared&acknowledged=false&limit=200`)).json()).items.length;
  await until(page, "the cleared ones that nobody acknowledged are listed", (least) => {
    const rows = [...document.querySelectorAll('[data-test="row"]')];
    const said = Number(document.querySelector('[data-test="queue-count"]').textContent.match(/[\d,]+/)[0].replace(",", ""));
    return said >= Math.min(least, 200) && rows.every((row) => row.classList.contains("cleared") && !row.classList.contains("acknowledged"));
  }, wanted);
  await page.keyboard.press("r");
  await page.locator('[data-test="row"]:not(.cleared)').first().waitFor();
}
