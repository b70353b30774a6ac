/** The shapes of cases in `/api/v1`, as `types.ts` has the others. */
import type { Name, Page, Schemas, Severity, Told } from "./types";

export const CASE_STATES = ["reported", "outside", "rejected", "verified", "registered", "dispatched", "handling", "suspended", "feedback", "closed", "evaluated", "void"] as const satisfies readonly Schemas["State"][];
export type CaseState = Schemas["State"];

export const STAGES = ["total", "dispatch", "handle", "check", "climb"] as const satisfies readonly Schemas["Stage"][];
export type Stage = Schemas["Stage"];

/** The units of a limit, as in `4 work_hour`. */
export const TIME_UNITS = ["urgent_hour", "work_hour", "work_day", "natural_day"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

interface RowWords {
  class_name: Name;
  title_by_language: Name;
  severity: Severity;
  place_name: Name;
  unit_name: Name;
}
export type CaseRow = Told<"CaseRow", RowWords>;
export type CasePage = Page<CaseRow>;
export type Clock = Schemas["Clock"];
export type Proposal = Told<"Proposal", { unit_name: Name }>;
export type CaseDetail = Told<"CaseDetail", RowWords & { proposal: Proposal | null; steps: CaseStep[] }>;
export type CaseClass = Told<"Class", { name: Name }>;
export type Unit = Told<"Unit", { name: Name }>;

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
  unit?: string;
  units?: string[];
  is_proposed?: boolean;
  limit?: string;
  until?: number;
  score?: number;
  stage?: Stage;
  climbs_to?: string | null;
  /** Its place in the plan, from 0. */
  task?: number;
  /** Another case; how much it speaks of that one where it was merged without a person. */
  of?: string;
  likeness?: Schemas["Likeness"];
  duplicate?: string;
  part?: string;
  /** Of what is not the city's to do: who has it to do, and whether a second person says so. */
  where_to?: string;
  upheld?: boolean;
  incident?: string;
  /** Hashes. */
  evidence?: string[];
  hash?: string;
  kind?: string;
  taken_at?: number | null;
}
