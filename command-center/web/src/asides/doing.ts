/** What an operator does to an incident, by its page, its row and the keyboard. Pure. */
import type { Incident } from "../api/types";

export type IncidentAct = "acknowledge" | "aside" | "assign";
export interface Doing {
  act: IncidentAct;
  id: string;
}

const KEYS: Record<string, IncidentAct> = { a: "acknowledge", s: "aside", t: "assign" };

/** The act of a key. */
export function actOf(key: string): IncidentAct | null {
  return KEYS[key] ?? null;
}

/** Whether it can be done to the incident as it is. */
export function isPossible(act: IncidentAct, incident: Incident): boolean {
  switch (act) {
    case "acknowledge":
      return incident.acknowledged === null;
    case "aside":
      return incident.state === "open" && incident.aside === null;
    case "assign":
      return true;
  }
}
