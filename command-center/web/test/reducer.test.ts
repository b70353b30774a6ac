import { describe, expect, it } from "vitest";
import type { Incident } from "../src/api/types";
import { apply, CLEARED_MAX, emptyCity, fill, keep } from "../src/live/reducer";
import { incident, overview } from "./city";

function snapshot(incidents: Incident[], more = false): Parameters<typeof apply>[1] {
  return { type: "snapshot", body: { now_at: 10, overview: overview(incidents.length), incidents, more } };
}

describe("the live city", () => {
  it("is what the snapshot says, and nothing of it is new", () => {
    const city = emptyCity();
    apply(city, snapshot([incident("a"), incident("b")], true));
    expect([...city.incidents.keys()]).toEqual(["a", "b"]);
    expect(city.arrived.size).toBe(0);
    expect(city.more).toBe(true);
    expect(city.nowAt).toBe(10);
  });

  it("marks what opens, and not what only changes", () => {
    const city = emptyCity();
    apply(city, snapshot([incident("a")]));
    apply(city, { type: "incident", body: incident("b") });
    apply(city, { type: "incident", body: incident("a", { revision: 2, severity: "extreme" }) });
    expect([...city.arrived]).toEqual(["b"]);
    expect(city.incidents.get("a")?.severity).toBe("extreme");
  });

  it("never goes back to an older revision", () => {
    const city = emptyCity();
    keep(city, incident("a", { revision: 3, severity: "severe" }));
    keep(city, incident("a", { revision: 2, severity: "minor" }));
    fill(city, [incident("a", { revision: 1, severity: "minor" })]);
    expect(city.incidents.get("a")).toMatchObject({ revision: 3, severity: "severe" });
  });

  it("keeps an acknowledgement against a change that was on its way", () => {
    const city = emptyCity();
    const acknowledged = { by: "admin", at: 5, note: "" };
    keep(city, incident("a", { acknowledged }));
    keep(city, incident("a"));
    expect(city.incidents.get("a")?.acknowledged).toEqual(acknowledged);
    keep(city, incident("a", { revision: 2, acknowledged }));
    expect(city.incidents.get("a")?.revision).toBe(2);
  });

  it("starts anew at a second snapshot: what is gone is gone, what came meanwhile is new", () => {
    const city = emptyCity();
    apply(city, snapshot([incident("a"), incident("b")]));
    apply(city, { type: "incident", body: incident("c", { state: "cleared", revision: 2 }) });
    apply(city, snapshot([incident("b"), incident("d")]));
    expect([...city.incidents.keys()].sort()).toEqual(["b", "c", "d"]);
    expect([...city.arrived]).toEqual(["d"]);
  });

  it("lets go of what is set aside, and has it back when that ends", () => {
    const city = emptyCity();
    apply(city, snapshot([incident("a"), incident("b")]));
    apply(city, { type: "incident", body: incident("a", { aside: "shelved" }) });
    expect([...city.incidents.keys()]).toEqual(["b"]);
    apply(city, { type: "incident", body: incident("a", { aside: "shelved", revision: 2, severity: "extreme" }) });
    expect([...city.incidents.keys()]).toEqual(["b"]);
    apply(city, { type: "incident", body: incident("a", { revision: 2, severity: "extreme" }) });
    expect(city.incidents.get("a")).toMatchObject({ severity: "extreme", aside: null });
    expect(city.arrived.size).toBe(0);
  });

  it("takes in who sees to an incident, which is no revision", () => {
    const city = emptyCity();
    apply(city, snapshot([incident("a")]));
    apply(city, { type: "incident", body: incident("a", { assignee: "anna" }) });
    expect(city.incidents.get("a")?.assignee).toBe("anna");
  });

  it("keeps what nobody acknowledged beside what somebody did", () => {
    const city = emptyCity();
    keep(city, incident("old", { state: "cleared", revision: 2, changed_at: 1 }));
    const acknowledged = { by: "anna", at: 5, note: "" };
    for (let at = 0; at <= CLEARED_MAX; at += 1) keep(city, incident(`c${at}`, { state: "cleared", revision: 2, changed_at: 10 + at, acknowledged }));
    expect(city.incidents.has("old")).toBe(true);
    expect(city.incidents.has("c0")).toBe(false);
    expect(city.incidents.size).toBe(CLEARED_MAX + 1);
  });

  it("forgets the incident that was cleared longest ago", () => {
    const city = emptyCity();
    for (let at = 0; at <= CLEARED_MAX; at += 1) {
      keep(city, incident(`c${at}`, { state: "cleared", revision: 2, changed_at: at }));
    }
    expect(city.incidents.size).toBe(CLEARED_MAX);
    expect(city.incidents.has("c0")).toBe(false);
    expect(city.incidents.has(`c${CLEARED_MAX}`)).toBe(true);
  });

  it("hands on sensors and takes clock and overview", () => {
    const city = emptyCity();
    const change = { id: "S1", state: "silent" as const, last: {} };
    expect(apply(city, { type: "values", body: { time: 1, sensors: [change] } })).toEqual([change]);
    apply(city, { type: "clock", body: { now_at: 99 } });
    apply(city, { type: "overview", body: overview(4) });
    expect(city.nowAt).toBe(99);
    expect(city.overview?.open.total).toBe(4);
  });
});
