/** The shapes of dossiers, what people talk over beside the cases, as `types.ts` has the others. */
import type { Name, Schemas, Told } from "./types";

/** Kinds of dossiers, by their routes. */
export const DOSSIER_KINDS = ["interviews", "objections", "deliberations", "mediations", "public-notices"] as const;
export type DossierKind = (typeof DOSSIER_KINDS)[number];

/** A step as it stands on the bus; which of the rest it has depends on what happened. */
export interface DossierStep {
  version: number;
  at: number;
  by: { name: string; side?: "supervision" | "command" | "unit"; unit?: string };
  step: string;
  [more: string]: unknown;
}

type Closer = { unit_name: Name };
type Whole = Closer & { steps: DossierStep[] };
export type InterviewRow = Told<"InterviewRow", Closer>;
export type ObjectionRow = Told<"ObjectionRow", Closer>;
export type Interview = Told<"InterviewDetail", Whole>;
export type Objection = Told<"ObjectionDetail", Whole>;
export type Deliberation = Told<"DeliberationDetail", { steps: DossierStep[] }>;
export type Mediation = Told<"MediationDetail", { steps: DossierStep[] }>;
export type PublicNotice = Told<"PublicNoticeDetail", { steps: DossierStep[] }>;
export type DossierRow = InterviewRow | ObjectionRow | Schemas["Deliberation"] | Schemas["Mediation"] | Schemas["PublicNotice"];
export type Dossier = Interview | Objection | Deliberation | Mediation | PublicNotice;
/** What everybody reads of a public notice. */
export type ToldNotice = Told<"ToldNotice", { area_name: Name }>;
export type Published = Schemas["PublishedDeliberation"];

export const SEATS = ["party_delegate", "congress_delegate", "cppcc_member", "citizen", "netizen", "media"] as const satisfies readonly Schemas["Seat"][];
export const PARTIES = ["claimant", "respondent", "third"] as const satisfies readonly Schemas["Party"][];
export type Deduction = Told<"DeductionView", { unit_name: Name }>;
export type Correction = Schemas["Correction"];
