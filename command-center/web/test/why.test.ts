import { describe, expect, it } from "vitest";
import type { Evidence, IncidentDetail, Transition } from "../src/api/types";
import { reasonsOf } from "../src/pages/why";
import { incident } from "./city";

const reading = (time: number, value: number, metric = "level_m"): Evidence => ({ sensor: "S1", metric, time, value, partition: 0, offset: time });

function step(transition: Transition["transition"], evidence: Evidence[]): Transition {
  return { id: "a", transition, severity: "moderate", state: "open", revision: 1, time: 9, opened_at: 1, evidence };
}

function detail(transitions: Transition[]): IncidentDetail {
  const threshold = [
    { value: 1, kind: "opens" as const, severity: "moderate" as const },
    { value: 2, kind: "opens" as const, severity: "severe" as const },
    { value: 0.8, kind: "clears" as const, severity: "moderate" as const },
  ];
  return { ...incident("a"), transitions, acts: [], rule_text: null, charts: [{ sensor: "S1", metric: "level_m", unit: "m", threshold }], near: [] };
}

describe("the reasons of an incident", () => {
  it("are the newest readings of the last step that has any, with the limit of its severity", () => {
    const [reason, ...others] = reasonsOf(detail([step("opened", [reading(1, 0.9)]), step("updated", [reading(3, 1.4), reading(2, 1.2)]), step("updated", [])]));
    expect(others).toEqual([]);
    expect(reason).toMatchObject({ reading: { time: 3, value: 1.4 }, unit: "m", limit: { value: 1 }, above: true, clears: 0.8 });
  });

  it("do not invent a limit where the rule names none, nor come from the clearing", () => {
    const reasons = reasonsOf(detail([step("opened", [reading(1, 5, "flow_m3s")]), step("cleared", [reading(4, 0.1)])]));
    expect(reasons).toMatchObject([{ reading: { metric: "flow_m3s" }, limit: null, above: false, clears: null }]);
    expect(reasonsOf(detail([]))).toEqual([]);
  });
});
