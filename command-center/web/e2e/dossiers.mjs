/** What is talked over beside a case, in the browser: an objection, an interview, a panel. Against the real program. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);

async function stands(page, state) {
  await page.locator(`[data-test="dossier"][data-state="${state}"]`).waitFor();
}

async function sends(page) {
  await at(page, "dossier-send").click();
  await at(page, "dossier-dialog").waitFor({ state: "detached" });
}

/** Acts on the dossier that is shown; `fill` fills the form in. */
async function acts(page, name, fill) {
  await page.locator(`[data-test="dossier-acts"] [data-act="${name}"]`).click();
  await at(page, "dossier-dialog").waitFor();
  await fill?.();
  await sends(page);
}

/** An act on a case, asked as the person on the page. */
async function asks(page, id, act, body) {
  const status = await page.evaluate(
    async ({ id, act, body }) => {
      const { headers } = await fetch(`/api/v1/cases/${id}`);
      const head = { "content-type": "application/json", "if-match": headers.get("etag") };
      return (await fetch(`/api/v1/cases/${id}/${act}`, { method: "POST", headers: head, body: JSON.stringify(body) })).status;
    },
    { id, act, body },
  );
  assert.equal(status, 200, act);
}

/** The inspector finds it not mended once; the unit feeds back again, with what shows that it is mended now. */
export async function sendsItBack(inspector, unit, id) {
  await asks(inspector, id, "check", { result: "not_fixed", note: "路边还有积水" });
  const evidence = await unit.evaluate(async (id) => {
    const again = { method: "POST", headers: { "content-type": "application/pdf" }, body: "%PDF-1.7 pumped again" };
    return (await (await fetch(`/api/v1/cases/${id}/evidence`, again)).json()).evidence_after;
  }, id);
  await asks(unit, id, "feedback", { note: "再次抽排", evidence });
}

/** The unit objects to the rework; gives where the objection is. */
export async function objects(page, origin, id) {
  await page.goto(`${origin}/cases/${id}`);
  await at(page, "object").first().click();
  await isAccessible(page, "the form of an objection");
  await at(page, "field-reason").fill("第二处积水来自隔壁工地，附照片");
  await sends(page);
  await stands(page, "accepted");
  await inBothThemes(page, "an objection");
  return new URL(page.url()).pathname;
}

/** A supervisor who had no part in the case upholds it. */
export async function upholds(page, origin, path, shoot) {
  await page.goto(`${origin}/objections`);
  await at(page, "dossier-row").first().waitFor();
  await inBothThemes(page, "/objections");
  await page.goto(origin + path);
  await acts(page, "review", async () => {
    await at(page, "field-upheld-yes").check();
    await at(page, "field-reason").fill("照片和时间属实");
  });
  await stands(page, "upheld");
  await shoot(page, "objection-zh-dark-desktop");
}

/** A supervisor calls the unit, and notes what was said and decided. */
export async function interviews(page, origin, id, shoot) {
  await page.goto(`${origin}/cases/${id}`);
  await at(page, "call").first().click();
  await at(page, "field-planned_at").fill("2030-01-02T09:00");
  await at(page, "field-reason").fill("同一路段反复积水");
  await sends(page);
  await stands(page, "called");
  await acts(page, "hold", async () => {
    await at(page, "field-held_at").fill("2020-01-02T09:00");
    await at(page, "field-present").fill("区水务局、街道");
    await at(page, "field-minutes").fill("泵站老化，需更换");
  });
  await acts(page, "decide", async () => {
    await at(page, "field-decision-rectify").check();
    await at(page, "field-note").fill("三十日内更换水泵");
    await at(page, "field-follow_up_at").fill("2030-02-01T09:00");
  });
  await stands(page, "decided");
  await inBothThemes(page, "an interview");
  await shoot(page, "interview-zh-dark-desktop");
}

/** The operator puts the case to a panel of three, notes what they say and vote; gives where it is. */
export async function deliberates(page, origin, id) {
  await page.goto(`${origin}/cases/${id}`);
  await at(page, "begin-deliberations").click();
  await at(page, "field-cause-watched").check();
  await at(page, "field-question").fill("抬高路面还是扩大管径？");
  await at(page, "field-agenda").fill("情况通报\n方案比较");
  for (const [place, seat] of ["congress_delegate", "citizen", "media"].entries()) {
    await at(page, "person-add").click();
    await at(page, "person").nth(place).locator("select").selectOption(seat);
    await at(page, "person").nth(place).locator("input").first().fill("王小明");
  }
  await isAccessible(page, "the form of a panel");
  await sends(page);
  await stands(page, "gathering");
  await acts(page, "opinion", async () => {
    await at(page, "field-seat").fill("2");
    await at(page, "field-note").fill("先扩管径");
  });
  await acts(page, "call-vote", () => at(page, "field-options").fill("抬高路面\n扩大管径"));
  for (const [seat, option] of [["1", "2"], ["2", "2"]]) {
    await acts(page, "vote", async () => {
      await at(page, "field-seat").fill(seat);
      await at(page, "field-option").fill(option);
    });
  }
  await acts(page, "conclude", () => at(page, "field-note").fill("建议扩大管径，列入年度计划"));
  await stands(page, "concluded");
  assert.equal(await page.locator('[data-test="dossier-people"]').getByText("王*").count(), 3, "names are masked");
  await at(page, "people-reveal").click();
  await page.locator('[data-test="dossier-people"]').getByText("王小明").first().waitFor();
  assert.equal(await page.locator('[data-act="publish"]').count(), 0, "publishing is a supervisor's");
  await inBothThemes(page, "a deliberation");
  return new URL(page.url()).pathname;
}

/** The operator tells everybody something about the case; a citizen reads it until it is taken back. */
export async function tellsEverybody(page, origin, id, stranger, shoot) {
  await page.goto(`${origin}/cases/${id}`);
  await at(page, "begin-public-notices").click();
  await at(page, "field-title").fill("路面积水，请绕行");
  await at(page, "field-text").fill("排水集团正在抽排，预计两小时内恢复。");
  await at(page, "field-area").selectOption("110101");
  const { now_at } = await page.evaluate(async () => (await fetch("/api/v1/areas/now")).json());
  await at(page, "field-until").fill(new Date(now_at + 8 * 3_600_000 - 86_400_000).toISOString().slice(0, 16));
  await isAccessible(page, "the form of a notice");
  await at(page, "dossier-send").click();
  await at(page, "dossier-told").waitFor();
  page.faults = page.faults.filter((fault) => !/status of 400/.test(fault));
  await at(page, "field-until").fill(new Date(now_at + 10 * 3_600_000).toISOString().slice(0, 16));
  await sends(page);
  await stands(page, "published");
  await inBothThemes(page, "a public notice");
  await shoot(page, "notice-zh-dark-desktop");
  await stranger.goto(`${origin}/citizen`);
  await at(stranger, "city-notice").first().waitFor();
  assert.match(await at(stranger, "city-notice").first().innerText(), /路面积水，请绕行[^]*抽排[^]*东城区/);
  await inBothThemes(stranger, "/citizen, with a notice");
  await shoot(stranger, "citizen-notice-zh-light-phone");
  await acts(page, "withdraw", () => at(page, "field-reason").fill("已恢复通行"));
  await stands(page, "withdrawn");
  await stranger.goto(`${origin}/citizen`);
  await at(stranger, "report").waitFor();
  assert.equal(await at(stranger, "city-notice").count(), 0);
}

/** A supervisor publishes it; everybody reads it, and who sat there is not told. */
export async function publishes(page, origin, path, stranger, shoot) {
  await page.goto(origin + path);
  await acts(page, "publish");
  await stands(page, "published");
  await stranger.goto(`${origin}/citizen/deliberations`);
  await at(stranger, "published").first().waitFor();
  assert.ok(!(await stranger.locator("main").innerText()).includes("王"), "who sat there is not told");
  await inBothThemes(stranger, "/citizen/deliberations");
  await shoot(stranger, "deliberations-zh-light-phone");
}
