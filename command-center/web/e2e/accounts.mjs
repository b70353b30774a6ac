/** Who may what, on the page: an administrator gives out an account and a token, and takes both back. Against the real program. */
import assert from "node:assert/strict";
import { inBothThemes } from "./axe.mjs";
import { fitsPaper } from "./paper.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** `other` is a page of somebody who is nobody yet. */
export async function givesAccounts(page, origin, other, shoot) {
  await page.goto(`${origin}/accounts`);
  await at(page, "accounts-new").click();
  await at(page, "account-name").fill("nina");
  await at(page, "role-unit").check();
  await at(page, "field-area").selectOption("110105");
  await at(page, "account-unit").selectOption("district-water-110105");
  await at(page, "accounts-save").click();
  const password = await at(page, "account-secret").locator("code").innerText();
  const row = page.locator('[data-test="account"][data-name="nina"]');
  assert.match(await row.innerText(), /处置单位.*朝阳区/s);

  await other.goto(origin);
  await at(other, "sign-in-name").fill("nina");
  await at(other, "sign-in-password").fill(password);
  await at(other, "sign-in-password").press("Enter");
  await other.locator('nav a[href="/"]').first().waitFor();
  assert.equal(await at(other, "nav-accounts").count(), 0, "accounts are the administrators'");

  await at(page, "tokens-new").click();
  await at(page, "token-name").fill("pumps");
  await at(page, "scope-feed-read").check();
  await at(page, "tokens-save").click();
  const token = await at(page, "token-secret").locator("code").innerText();
  const asks = async () => (await fetch(`${origin}/api/v1/feed/drainage`, { method: "HEAD", headers: { authorization: `Bearer ${token}` } })).status;
  assert.notEqual(await asks(), 401, "the token is good");
  await inBothThemes(page, "/accounts");
  await fitsPaper(page, "accounts");
  await shoot(page, "accounts-zh");

  await page.locator('[data-test="token"][data-name="pumps"] [data-test="revoke"]').click();
  await at(page, "sure").click();
  await page.locator('[data-test="token"][data-name="pumps"]', { hasText: "已作废" }).waitFor();
  assert.equal(await asks(), 401, "and is not any more");
  await row.locator('[data-test="disable"]').click();
  await at(page, "sure").click();
  await row.locator('[data-test="enable"]').waitFor();
  await other.reload();
  await at(other, "sign-in-name").waitFor();
  other.faults = other.faults.filter((fault) => !/status of 401/.test(fault));
}
