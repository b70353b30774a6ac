/** The shapes of cases in `/api/v1`. Times are epoch milliseconds UTC; `null` is unknown and never stands for zero. */
import type { Name, Page, Severity } from "./types";

export const CASE_STATES = ["reported", "rejected", "verified", "registered", "dispatched", "handling", "suspended", "feedback", "closed", "evaluated", "void"] as const;
export type CaseState = (typeof CASE_STATES)[number];

export const STAGES = ["total", "dispatch", "handle", "check", "climb"] as const;
export type Stage = (typeof STAGES)[number];

/** The units of a limit, as in `4 work_hour`. */
export const TIME_UNITS = ["urgent_hour", "work_hour", "work_day", "natural_day"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export type UnitLevel = "city" | "district" | "subdistrict";

export interface CaseRow {
  id: string;
  /** 19 digits: district, day, number of that day. */
  number: string;
  version: number;
  state: CaseState;
  is_open: boolean;
  is_late: boolean;
  class: string;
  class_name: Name;
  title: string;
  title_by_language: Name;
  severity: Severity;
  domain: string | null;
  district: string | null;
  subdistrict: string | null;
  place_name: Name;
  lon: number | null;
  lat: number | null;
  unit: string | null;
  unit_name: Name;
  parent: string | null;
  reported_at: number;
  changed_at: number;
  due_at: number | null;
}

export type CasePage = Page<CaseRow>;

export interface Clock {
  stage: Stage;
  limit: string;
  started_at: number;
  used_ms: number;
  running_since: number | null;
  warn_at: number | null;
  due_at: number | null;
  warned_at: number | null;
  breached_at: number | null;
  stopped_at: number | null;
}

export interface Segment {
  unit: string;
  from_at: number;
  until_at: number | null;
  used_ms: number | null;
  breached: boolean;
}

export interface Whistle {
  unit: string;
  called_at: number;
  reported_at: number | null;
}

export interface Task {
  what: string;
  done_by: string | null;
  done_at: number | null;
}

export interface Proposal {
  unit: string;
  unit_name: Name;
  level: string;
}

export interface CaseDetail extends CaseRow {
  description: string;
  source: string;
  rule: string | null;
  key: string | null;
  incidents: string[];
  registered_at: number | null;
  closed_at: number | null;
  suspended_until: number | null;
  asked: string | null;
  climbed_to: string | null;
  clocks: Clock[];
  /** In the order of `clocks`. */
  used_ms: number[];
  limit_ms: number[];
  segments: Segment[];
  whistles: Whistle[];
  tasks: Task[];
  parts: Record<string, boolean>;
  duplicate_of: string | null;
  evidence: string[];
  score: number | null;
  proposal: Proposal | null;
  /** What who asks may do now. */
  acts: string[];
  steps: CaseStep[];
}

/** A step as it stands on the bus; what it says beside these depends on `step`. */
export interface CaseStep {
  version: number;
  at: number;
  by: { name: string; side?: "supervision" | "command" | "unit"; unit?: string };
  step: string;
  note?: string;
  reason?: string;
  description?: string;
  result?: string;
  class?: string;
  unit?: string;
  units?: string[];
  is_proposed?: boolean;
  limit?: string;
  until?: number;
  score?: number;
  stage?: Stage;
  climbs_to?: string | null;
  task?: number;
  of?: string;
  duplicate?: string;
  part?: string;
  incident?: string | null;
  evidence?: string[];
  hash?: string;
  kind?: string;
  bytes?: number;
  taken_at?: number | null;
  lon?: number | null;
  lat?: number | null;
}

export interface CaseClass {
  class: string;
  scheme: string;
  name: Name;
  trust: string;
  handle: string;
  power: string | null;
  evidence: boolean;
  plan: string[];
}

export interface Unit {
  unit: string;
  name: Name;
  level: string;
  area: string | null;
  is_each: boolean;
  powers: string[];
}
