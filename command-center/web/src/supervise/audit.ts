/** What is asked of the audit, as it stands in the address; and what its entries are about. Pure. */
import type { AuditEntry } from "../api/supervise";
import { cityTime } from "../format";

/** What acts are done to: the first word of an entry's kind. */
export const SUBJECTS = [
  "case", "incident", "alarm", "maintenance", "contact", "account", "session", "token", "roster", "chain", "subscription", "delivery", "rules",
  "interview", "objection", "month-check", "score", "finding", "deliberation", "mediation", "public-notice",
] as const;

export interface AuditAsked {
  by: string;
  /** A kind, or its first word. */
  what: string;
  about: string;
  /** Days of the city, as in 2026-03-02; the last is in it. */
  from: string;
  to: string;
  before: number | null;
}

const DAY = 86_400_000;
const MIDNIGHT = "T00:00";

export function askedOf(query: Record<string, unknown>): AuditAsked {
  const text = (name: string): string => (typeof query[name] === "string" ? query[name] : "");
  const day = (name: string): string => (cityTime(text(name) + MIDNIGHT) === null ? "" : text(name));
  const before = Number(text("before"));
  return { by: text("by"), what: text("what"), about: text("about"), from: day("from"), to: day("to"), before: Number.isInteger(before) && before > 0 ? before : null };
}

/** The address of it, without what is not asked for. */
export function addressOf(asked: Partial<AuditAsked>): Record<string, string> {
  const pairs = Object.entries(asked).map(([name, value]) => [name, value === null || value === undefined ? "" : String(value)] as const);
  return { view: "audit", ...Object.fromEntries(pairs.filter(([, value]) => value !== "")) };
}

/** What the server is asked: days as times. */
export function parametersOf(asked: AuditAsked): Record<string, string | number | null> {
  const from = cityTime(asked.from + MIDNIGHT);
  const last = cityTime(asked.to + MIDNIGHT);
  return { by: asked.by, what: asked.what, about: asked.about, from, to: last === null ? null : last + DAY, before: asked.before };
}

/** The two words of a kind: what it is done to, and what is done. */
export function wordsOf(what: string): { subject: string; act: string } {
  const at = what.indexOf(".");
  return at < 0 ? { subject: what, act: "" } : { subject: what.slice(0, at), act: what.slice(at + 1) };
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PAGES: Record<string, string> = {
  "case": "/cases/", "incident": "/incidents/", "interview": "/interviews/", "objection": "/objections/", "deliberation": "/deliberations/", "mediation": "/mediations/",
  "public-notice": "/public-notices/", "month-check": "/supervise/checks/", "score": "/supervise/scores/",
};

/** The page of what an entry is about; null where there is none. */
export function pageOf(entry: Pick<AuditEntry, "what" | "about">): string | null {
  const page = PAGES[wordsOf(entry.what).subject];
  return page !== undefined && ID.test(entry.about) ? page + entry.about : null;
}

/** A head as it is written down: SEQ:HASH. */
export function isHead(text: string): boolean {
  return /^\d+:[0-9a-f]{64}$/.test(text.trim());
}
