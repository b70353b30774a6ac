/** What shows something: the files of a case, from its steps. Pure. */
import type { CaseDetail } from "../api/cases";

/** What the server takes. */
export const KINDS = ["image/jpeg", "image/png", "image/webp", "video/mp4", "application/pdf"] as const;

export interface Piece {
  /** Its place among the evidence, from 1. */
  number: number;
  hash: string;
  kind: string;
  by: string;
  at: number;
  /** When it was taken; null where nobody said. */
  takenAt: number | null;
}

/** The pieces in the order in which they were added. */
export function evidenceOf(detail: Pick<CaseDetail, "steps">): Piece[] {
  const added = detail.steps.filter((step) => step.step === "evidence_added" && step.hash !== undefined);
  return added.map((step, at) => ({ number: at + 1, hash: step.hash ?? "", kind: step.kind ?? "", by: step.by.name, at: step.at, takenAt: step.taken_at ?? null }));
}
