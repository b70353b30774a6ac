/** What people do to a case: what each act asks for, and what is sent. Pure. */

/** What a dialog asks for. `reason` and `text` must be given, `note` may be empty. */
export type Field =
  | "note" | "reason" | "text" | "title" | "verdict" | "finding" | "class" | "unit" | "units" | "limit" | "more" | "until" | "of" | "score" | "evidence" | "ruling" | "where" | "incident";

/** The acts that have a dialog, in the order of the table of docs/cases.md, and what each asks for. */
export const ACTS = {
  verify: ["verdict", "note"],
  register: ["class", "note"],
  "put-outside": ["where", "reason"],
  "review-outside": ["ruling", "note"],
  dispatch: ["unit", "limit", "note"],
  accept: ["note"],
  return: ["reason"],
  feedback: ["note", "evidence"],
  "ask-extension": ["more", "reason"],
  "grant-extension": ["note"],
  "refuse-extension": ["reason"],
  suspend: ["until", "reason"],
  resume: ["note"],
  check: ["finding", "note", "evidence"],
  "close-cleared": ["note"],
  void: ["of", "reason"],
  unmerge: ["reason"],
  separate: ["incident", "reason"],
  urge: ["reason"],
  transfer: ["unit", "limit", "reason"],
  evaluate: ["score", "note"],
  reopen: ["reason"],
  note: ["text"],
  whistle: ["units", "reason"],
  "report-in": ["note"],
  "add-part": ["unit", "title", "limit"],
} as const satisfies Record<string, readonly Field[]>;
export type ActName = keyof typeof ACTS;

export const VERDICTS = ["real", "not_found", "cannot_tell"] as const;
export const RULINGS = ["upheld", "sent_back"] as const;
export const FINDINGS = ["fixed", "not_fixed", "cannot_tell"] as const;

/** Acts that lead the case on; the first of them that is offered is the one to do next. */
const ONWARD: readonly string[] = ["verify", "register", "dispatch", "accept", "feedback", "check", "evaluate", "report-in", "review-outside", "grant-extension", "resume", "unmerge"];

/** What somebody filled in. */
export interface Draft {
  /** Note, reason or text: an act asks for one of them. */
  words: string;
  /** What a part is about, or where to go with what is not the city's to do. */
  title: string;
  result: string;
  class: string;
  unit: string;
  units: string[];
  /** As it was typed; empty for the class's own limit. */
  amount: string;
  timeUnit: string;
  /** Epoch milliseconds; null while no time is given. */
  until: number | null;
  /** The id of another case; empty while none is known. */
  of: string;
  score: number;
  evidence: string[];
  /** The id of an incident that had joined; empty while none is chosen. */
  incident: string;
}

export function emptyDraft(): Draft {
  return { words: "", title: "", result: "", class: "", unit: "", units: [], amount: "", timeUnit: "work_hour", until: null, of: "", score: 0, evidence: [], incident: "" };
}

/** The offered acts that this page has a dialog for: the one to do next, and the others in the table's order. */
export function arranged(offered: readonly string[]): { next: ActName | null; others: ActName[] } {
  const known = (Object.keys(ACTS) as ActName[]).filter((act) => offered.includes(act));
  const next = known.find((act) => ONWARD.includes(act)) ?? null;
  return { next, others: known.filter((act) => act !== next) };
}

function amountOf(draft: Draft): number | null {
  const amount = Number(draft.amount);
  return draft.amount.trim() !== "" && Number.isFinite(amount) && amount > 0 ? amount : null;
}

/** The first thing that is still to be filled in; null when it can be sent. */
export function lacking(act: ActName, draft: Draft, now: number, needsEvidence: boolean): Field | null {
  const lacks = (field: Field): boolean => {
    switch (field) {
      case "note":
        // Who sends back what was put outside the city's duty says why.
        return act === "review-outside" && draft.result === "sent_back" && draft.words.trim() === "";
      case "class":
        return false;
      case "reason":
      case "text":
        return draft.words.trim() === "";
      case "title":
      case "where":
        return draft.title.trim() === "";
      case "ruling":
      case "verdict":
      case "finding":
        return draft.result === "";
      case "unit":
        return draft.unit === "";
      case "units":
        return draft.units.length === 0;
      case "limit":
        return draft.amount.trim() !== "" && amountOf(draft) === null;
      case "more":
        return amountOf(draft) === null;
      case "until":
        return draft.until === null || draft.until <= now;
      case "of":
        return draft.of === "";
      case "incident":
        return draft.incident === "";
      case "score":
        return draft.score < 1 || draft.score > 5;
      case "evidence":
        return act === "feedback" && needsEvidence && draft.evidence.length === 0;
    }
  };
  return ACTS[act].find(lacks) ?? null;
}

/** The body of the request. */
export function bodyOf(act: ActName, draft: Draft): Record<string, unknown> {
  const words = draft.words.trim();
  const amount = amountOf(draft);
  const limit = amount === null ? null : `${amount} ${draft.timeUnit}`;
  const part = (field: Field): Record<string, unknown> => {
    switch (field) {
      case "note":
      case "text":
        return { note: words };
      case "reason":
        return { reason: words };
      case "title":
        return { title: draft.title.trim() };
      case "where":
        return { where_to: draft.title.trim() };
      case "ruling":
        return { upheld: draft.result === "upheld" };
      case "verdict":
      case "finding":
        return { result: draft.result };
      case "class":
        return draft.class ? { class: draft.class } : {};
      case "unit":
        return { unit: draft.unit };
      case "units":
        return { units: draft.units };
      case "limit":
        return limit ? { limit } : {};
      case "more":
        return { more: limit };
      case "until":
        return { until: draft.until };
      case "of":
        return { of: draft.of };
      case "incident":
        return { incident: draft.incident };
      case "score":
        return { score: draft.score };
      case "evidence":
        return { evidence: draft.evidence };
    }
  };
  return Object.assign({}, ...ACTS[act].map(part));
}

/** The incidents that joined a case, which can be let go again; one that it was made from stays its own. */
export function joinedOf(detail: { rule: string | null; incidents: readonly string[] }): readonly string[] {
  return detail.rule === null ? detail.incidents : detail.incidents.slice(1);
}
