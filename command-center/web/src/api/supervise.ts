/** The shapes of a month in `/api/v1/supervise`, as `types.ts` has the others. What has no value is left out or null. */
import type { CaseRow } from "./cases";
import type { DossierStep } from "./dossiers";
import type { Name, Schemas, Told } from "./types";

/** Indicators that are shares, in the order of the table of docs/supervise.md. */
export const KPIS = [
  "registered", "handled", "handled-in-time", "closed", "closed-in-time", "reworked", "returned", "duplicate", "rightly-dispatched", "responded", "solved", "satisfied",
] as const;
export type Kpi = (typeof KPIS)[number];

/** What indicators are taken for. */
export const TAKEN_FOR = ["unit", "district", "level", "class"] as const;
export type TakenFor = (typeof TAKEN_FOR)[number];

export const FINDING_KINDS = ["hard-left", "low-score-left", "repeats", "at-the-limit", "unproven", "unseen"] as const satisfies readonly Schemas["FindingKind"][];
export const REASONS = ["handled-late", "unproven", "reworked", "reopened", "left"] as const satisfies readonly Schemas["ExposedReason"]["reason"][];

export type Rate = Schemas["Rate"];
export type Kpis = Schemas["Kpis"];
export type Ranked = Schemas["Ranked"];
export type PeerGroup = Schemas["PeerGroup"];
export type ExposedReason = Schemas["ExposedReason"];
export type Finding = Schemas["Finding"];
export type MonthReport = Schemas["MonthReport"];

export type LiveCount = Schemas["LiveCount"];
/** Open cases as supervision watches them. */
export type LiveCases = Told<"LiveCases", Record<"late" | "soon" | "bouncing" | "ownerless", CaseRow[]>>;

export type Checked = Schemas["CheckedVisits"];
export type MonthChecks = Schemas["MonthChecks"];
export type MonthCheck = Schemas["MonthCheck"];
export type MonthCheckDetail = Told<"MonthCheckDetail", { steps: DossierStep[] }>;
export type FoundEvent = Schemas["FoundEvent"];

export type PublishedScore = Schemas["PublishedScore"];
export type ScoreDetail = Told<"ScoreDetail", { steps: DossierStep[] }>;
export type RaisedFinding = Told<"FindingRow", { unit_name: Name }>;

export type AuditEntry = Schemas["AuditEntry"];
export type AuditPage = Schemas["AuditPage"];
export type AuditVerified = Schemas["AuditVerified"];
