/** Findings that were raised, and what followed from each: the interview and the objection about the same. Pure. */
import type { InterviewRow, ObjectionRow } from "../api/dossiers";
import type { Finding, RaisedFinding } from "../api/supervise";

export interface Followed {
  raised: RaisedFinding;
  interview: InterviewRow | null;
  objection: ObjectionRow | null;
}

/** Whether something is about a finding: that of the same month, kind and unit. */
const isAbout = (about: InterviewRow["about"] | ObjectionRow["against"], unit: string, raised: RaisedFinding): boolean =>
  about.kind === "finding" && about.month === raised.month && about.finding === raised.finding && unit === raised.unit;

/** Each with the newest interview and objection about it; the lists are newest first. */
export function followedOf(items: readonly RaisedFinding[], interviews: readonly InterviewRow[], objections: readonly ObjectionRow[]): Followed[] {
  return items.map((raised) => ({
    raised,
    interview: interviews.find((one) => isAbout(one.about, one.unit, raised)) ?? null,
    objection: objections.find((one) => isAbout(one.against, one.unit, raised)) ?? null,
  }));
}

/** Whether a month's finding was raised already. */
export function isRaised(items: readonly RaisedFinding[], month: string, finding: Pick<Finding, "kind" | "unit">): boolean {
  return items.some((one) => one.month === month && one.finding === finding.kind && one.unit === finding.unit);
}
