/** Why an incident is, and why there is none, as `citywatch rules explain --format json` tells it. */
import type { Severity, Transition } from "./types";

/** True, false, or unknown. */
export type Truth = boolean | null;
/** What a part of a condition was worth; `[low, high]` is every number between the two, null is unknown. */
export type Worth = number | boolean | string | [low: number, high: number] | null;

export interface Part {
  text: string;
  /** How deep it stands in the condition; 0 is the whole. */
  depth: number;
  worth: Worth;
}

export interface Decided {
  at: number;
  severity: Severity;
  which: "when" | "clear_when" | "not when";
  parts: Part[];
}

export interface RuleThen {
  hash: string;
  since: number;
  path: string;
  text: string;
}

export interface ExplainedStep {
  transition: Transition;
  /** As they stand on the log, in the order of the evidence; null where retention took one. */
  observations: (string | null)[];
  decided: Decided | null;
}

export interface Explanation {
  incident: string;
  rule: string;
  key: string;
  rules: RuleThen | null;
  /** Whether all transitions, calculated once more, are those on the log. */
  same: boolean;
  problem: string | null;
  steps: ExplainedStep[];
}

/** The changes of a truth, oldest first; the newest 500. */
export type Course = [at: number, truth: Truth][];

export interface Clause {
  text: string;
  held: number;
  unknown: number;
  worth: Worth;
  nearest: { at: number; left: number; right: number; by: number } | null;
  missing: { sensor: string; what: string; since: number | null; unknown_since: number | null }[];
  course: Course;
}

export interface LevelWhy {
  severity: Severity;
  when: string;
  needs: number;
  stands: "normal" | "on" | { pending: number } | { clearing: number };
  held: number;
  unknown: number;
  longest: [from: number, to: number] | null;
  course: Course;
  clauses: Clause[];
}

export interface HeldBack {
  by: string;
  evaluations: number;
  first: number;
  last: number;
  until: number | null;
}

export interface WhyNot {
  from: number;
  at: number;
  clock: number | null;
  evaluations: number;
  levels: LevelWhy[];
  held_back: HeldBack[];
  silence: { since: number; opens_at: number } | null;
  stuck: { metric: string; since: number | null; needs: number } | null;
  sequence: { steps: { when: string; not: boolean; fitted: number; last: number | null; clauses: Clause[] }[]; furthest: [at: number, steps: number] | null } | null;
}

export type Unselected =
  | { because: "no-key"; each: string; nearest: string | null }
  | { because: "domain"; sensor: string; is: string }
  | { because: "where"; sensor: string; parts: Part[] };

export interface OpenMember {
  key: string;
  opened_at: number;
  cleared_at: number | null;
  metres: number | null;
  after: number | null;
}

export interface MemberRule {
  rule: string;
  here: OpenMember[];
  nearest: OpenMember | null;
  last: OpenMember | null;
}

export interface Seen {
  incident: string;
  opened_at: number;
  cleared_at: number | null;
  severity: Severity;
  inhibited_by: { incident: string; rule: string | null; key: string | null }[];
}

/** The reasons in a word. */
export const WHY_NOTS = [
  "fired", "inhibited", "shadow", "no-rule", "disabled", "not-selected", "held-back", "too-short", "unknown", "missed", "incomplete", "not-known",
] as const;

export interface WhyNotAnswer {
  rule: string;
  key: string;
  at: number;
  within: number;
  verdict: (typeof WHY_NOTS)[number];
  rules: RuleThen | null;
  problem: string | null;
  unselected: Unselected[];
  why: WhyNot | null;
  members: MemberRule[];
  incidents: Seen[];
}
