/** A backtest that is cancelled while the server still has to say which one it is. */
import { afterEach, expect, it, vi } from "vitest";
import { backtest } from "../src/rules/backtest";

vi.mock("../src/failure", () => ({ failure: String }));

afterEach(() => vi.unstubAllGlobals());

it("is cancelled however early that was asked for, and no earlier one in its place", async () => {
  const asked: string[] = [];
  const begun: (() => void)[] = [];
  let next = 1;
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    if (path.endsWith("/cancel")) return Response.json({});
    if (!path.endsWith("/backtests")) return Response.json({ id: Number(path.split("/").at(-1)), state: "cancelled" });
    await new Promise<void>((done) => begun.push(done));
    return Response.json({ id: next++, state: "running" });
  });
  for (const id of [1, 2]) {
    const beginning = backtest.begin([], 0, 1);
    await vi.waitUntil(() => begun.length > 0);
    await backtest.cancel();
    expect(asked).toEqual(["/api/v1/rules/backtests"]);
    begun.pop()?.();
    await beginning;
    expect(asked[1]).toBe(`/api/v1/rules/backtests/${id}/cancel`);
    await vi.waitUntil(() => backtest.last.value?.state === "cancelled");
    asked.length = 0;
  }
});
