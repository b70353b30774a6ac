/** What the tests take for an incident, a case and an overview. */
import type { CaseRow } from "../src/api/cases";
import type { Incident, Overview } from "../src/api/types";

export function incident(id: string, change: Partial<Incident> = {}): Incident {
  return {
    id,
    rule: "drainage.ponding",
    title: { zh: "路面积水", en: "Ponding" },
    key: "S1",
    key_kind: "sensor",
    domain: "drainage",
    severity: "moderate",
    state: "open",
    acknowledged: null,
    opened_at: 1_000,
    changed_at: 1_000,
    cleared_at: null,
    revision: 1,
    message: null,
    stale: false,
    place: { lon: 116.4, lat: 39.9 },
    subdistrict: "110105003",
    district: "110105",
    place_name: {},
    inhibited: false,
    aside: null,
    maintenance: null,
    assignee: null,
    alarm_state: "unacknowledged",
    ...change,
  };
}

export function overview(total: number): Overview {
  return {
    now_at: 1,
    open: { total, by_domain: {}, by_severity: {} },
    unacknowledged: total,
    sensors: { total: 10, online: 9, silent: 1, stuck: 0, never: 0 },
    unknown_sensors: 0,
    feed: null,
  };
}

export function caseRow(id: string, change: Partial<CaseRow> = {}): CaseRow {
  return {
    id, number: `110101${id}`, version: 1, state: "registered", is_open: true, is_late: false, class: "0402", class_name: { zh: "积水" }, title: "积水",
    title_by_language: {}, severity: "severe", domain: "drainage", district: "110101", subdistrict: "110101007", place_name: {}, lon: null, lat: null,
    unit: null, unit_name: {}, parent: null, reported_at: 1_000, changed_at: 1_000, due_at: null, warn_at: null, bounces: 0, ...change,
  };
}
