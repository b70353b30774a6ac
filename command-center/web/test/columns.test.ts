import { describe, expect, it, vi } from "vitest";

// The columns listen to the live stream, which wants a browser.
vi.mock("../src/live/store", () => ({ live: { onSensors: () => () => undefined, onSnapshot: () => () => undefined } }));
const { changedRows } = await import("../src/map/columns");

describe("the states of sensors", () => {
  it("change a map only where they are others than were known", () => {
    const held = { row: new Map([["a", 0], ["b", 1]]), state: ["online" as const, "silent" as const] };
    const change = (id: string, state: "online" | "silent" | "stuck") => ({ id, state, last: {} });
    expect(changedRows(held, [change("a", "online"), change("b", "silent"), change("c", "stuck")]).size).toBe(0);
    expect([...changedRows(held, [change("a", "stuck"), change("b", "silent")])]).toEqual([[0, "stuck"]]);
    // Of two words in a batch the last one counts, even when it is the one that was known.
    expect([...changedRows(held, [change("a", "stuck"), change("a", "online")])]).toEqual([[0, "online"]]);
  });
});
