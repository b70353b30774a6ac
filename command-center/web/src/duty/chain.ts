/** The form of an escalation chain: what it asks in minutes and names, and the chain that is sent. Pure. */
import type { Chain, ChainBody, GroupBy, Subject } from "../api/duty";
import { type About, everything } from "./filter";

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
/** What a step calls a roster by. */
const ROSTER = "roster/";

export const SUBJECTS = ["incidents", "late_cases"] as const satisfies readonly Subject[];
export const GROUPS_BY = ["rule", "domain", "district", "subdistrict"] as const satisfies readonly GroupBy[];
/** The server takes no more. */
export const STEPS_MAX = 10;

export interface StepDraft {
  /** Ids. */
  rosters: string[];
  /** Names with commas. */
  people: string;
  minutes: number;
}

export interface ChainDraft {
  /** Null for a new one. */
  id: string | null;
  version: number;
  name: string;
  subject: Subject;
  about: About;
  groupBy: GroupBy[];
  waitSeconds: number;
  intervalMinutes: number;
  /** An empty field is never. */
  repeatMinutes: number | "";
  isQuiet: boolean;
  quiet: { from: string; to: string };
  steps: StepDraft[];
}

export const emptyStep = (): StepDraft => ({ rosters: [], people: "", minutes: 10 });

export function emptyChain(): ChainDraft {
  return {
    id: null, version: 0, name: "", subject: "incidents", about: everything(), groupBy: ["rule", "district"],
    waitSeconds: 30, intervalMinutes: 5, repeatMinutes: "", isQuiet: false, quiet: { from: "22:00", to: "07:00" }, steps: [emptyStep()],
  };
}

export function draftOf(chain: Chain): ChainDraft {
  return {
    id: chain.id, version: chain.version, name: chain.name, subject: chain.subject,
    about: { domains: [...chain.domains], areas: [...chain.areas], severity: chain.severity, classes: [...chain.classes] },
    groupBy: [...chain.group_by], waitSeconds: chain.wait_ms / SECOND_MS, intervalMinutes: chain.interval_ms / MINUTE_MS,
    repeatMinutes: chain.repeat_ms === null ? "" : chain.repeat_ms / MINUTE_MS,
    isQuiet: chain.quiet !== null, quiet: chain.quiet ? { ...chain.quiet } : emptyChain().quiet,
    steps: chain.steps.map(({ notify, wait_ms }) => ({
      rosters: notify.filter((one) => one.startsWith(ROSTER)).map((one) => one.slice(ROSTER.length)),
      people: notify.filter((one) => !one.startsWith(ROSTER)).join(", "),
      minutes: wait_ms / MINUTE_MS,
    })),
  };
}

/** Names with commas, of either script. */
export function namesOf(words: string): string[] {
  return words.split(/[,，]/).map((word) => word.trim()).filter((word) => word !== "");
}

export function bodyOf(draft: ChainDraft): ChainBody {
  return {
    name: draft.name, subject: draft.subject, ...draft.about, group_by: draft.groupBy,
    wait_ms: Math.round(draft.waitSeconds * SECOND_MS), interval_ms: Math.round(draft.intervalMinutes * MINUTE_MS),
    repeat_ms: draft.repeatMinutes === "" ? null : Math.round(draft.repeatMinutes * MINUTE_MS),
    quiet: draft.isQuiet ? draft.quiet : null,
    steps: draft.steps.map(({ rosters, people, minutes }) => ({ notify: [...rosters.map((id) => ROSTER + id), ...namesOf(people)], wait_ms: Math.round(minutes * MINUTE_MS) })),
  };
}

/** Whom a step tells, in words; a roster by its name where it is known. */
export function toldNames(notify: readonly string[], rosters: readonly { id: string; name: string }[]): string {
  return notify.map((word) => (word.startsWith(ROSTER) ? rosters.find((one) => ROSTER + one.id === word)?.name ?? word : word)).join(", ");
}
