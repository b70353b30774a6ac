import { describe, expect, it } from "vitest";
import { everything, heldRows, isNarrow, isReturned, neighbourOf, queueOf, toggled, waitingFor } from "../src/live/queue";
import { incident } from "./city";

const acknowledged = { by: "admin", at: 1, note: "" };
const all = [
  incident("a", { changed_at: 10, severity: "minor" }),
  incident("b", { changed_at: 30, severity: "extreme", domain: "air", district: "110108" }),
  incident("c", { changed_at: 20, acknowledged }),
  incident("d", { changed_at: 40, state: "cleared", revision: 2 }),
  incident("e", { changed_at: 20 }),
];
const ids = (change: object): string[] => queueOf(all, { ...everything(), ...change }).map((one) => one.id);

describe("the queue", () => {
  it("shows what is open, newest change first, equals by id", () => {
    expect(ids({})).toEqual(["b", "c", "e", "a"]);
    expect(ids({ state: "cleared" })).toEqual(["d"]);
  });

  it("filters by each of its ways, and by all together", () => {
    expect(ids({ severities: ["minor", "extreme"] })).toEqual(["b", "a"]);
    expect(ids({ domains: ["air"] })).toEqual(["b"]);
    expect(ids({ district: "110108" })).toEqual(["b"]);
    expect(ids({ acknowledged: true })).toEqual(["c"]);
    expect(ids({ acknowledged: false })).toEqual(["b", "e", "a"]);
    expect(ids({ assignees: ["anna", "drainage-group"] })).toEqual([]);
    const assigned = [incident("f", { assignee: "anna" }), incident("g", { assignee: "bo" }), incident("h", { assignee: "drainage-group" })];
    expect(queueOf(assigned, { ...everything(), assignees: ["anna", "drainage-group"] }).map((one) => one.id)).toEqual(["f", "h"]);
    expect(ids({ acknowledged: false, severities: ["moderate"], domains: ["drainage"], district: "110105" })).toEqual(["e"]);
  });

  it("knows when it is narrowed", () => {
    expect(isNarrow(everything())).toBe(false);
    expect(isNarrow({ ...everything(), state: "cleared" })).toBe(false);
    expect(isNarrow({ ...everything(), acknowledged: false })).toBe(true);
    expect(isNarrow({ ...everything(), assignees: ["anna"] })).toBe(true);
  });

  it("knows what was cleared before anybody acknowledged it", () => {
    expect(isReturned({ ...everything(), state: "cleared" })).toBe(false);
    expect(isReturned({ ...everything(), acknowledged: false })).toBe(false);
    expect(isReturned({ ...everything(), state: "cleared", acknowledged: false })).toBe(true);
    expect(ids({ state: "cleared", acknowledged: false })).toEqual(["d"]);
    expect(ids({ state: "cleared", acknowledged: true })).toEqual([]);
  });

  it("adds and takes out", () => {
    expect(toggled(["a"], "b")).toEqual(["a", "b"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
  });

  it("holds rows where they stand, as they are now", () => {
    const order = ["b", "c", "e", "a", "forgotten"];
    const cleared = incident("c", { state: "cleared", revision: 2, changed_at: 60 });
    const moved = incident("a", { changed_at: 50, severity: "extreme" });
    const known = new Map([...all, cleared, moved, incident("new", { changed_at: 70 })].map((one) => [one.id, one]));
    expect(heldRows(order, known)).toEqual([all[1], cleared, all[4], moved]);
    const rows = queueOf(known.values(), everything());
    expect(rows.map((row) => row.id)).toEqual(["new", "a", "b", "e"]);
    // Two left (one of them forgotten), one came, and all that stayed stand elsewhere now.
    expect(waitingFor(order, rows)).toBe(2 + 1 + 3);
    expect(waitingFor(["b", "c", "e", "a"], queueOf(all, everything()))).toBe(0);
  });

  it("moves by one row and stops at both ends", () => {
    const rows = queueOf(all, everything());
    expect(neighbourOf(rows, null, 1)).toBe("b");
    expect(neighbourOf(rows, null, -1)).toBe("a");
    expect(neighbourOf(rows, "b", 1)).toBe("c");
    expect(neighbourOf(rows, "a", 1)).toBe("a");
    expect(neighbourOf(rows, "b", -1)).toBe("b");
    expect(neighbourOf(rows, "gone", 1)).toBe("b");
    expect(neighbourOf([], "b", 1)).toBe(null);
  });
});
