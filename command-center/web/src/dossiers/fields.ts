/** What each act on a dossier asks for, and the body that is sent. Pure. */
import { type DossierKind, PARTIES, SEATS } from "../api/dossiers";
import { cityTime } from "../format";

export interface Field {
  name: string;
  /** A line, some lines, a day and time of the city, one of several words, yes or no, a text a line, a number, people, or an area. */
  as: "line" | "lines" | "time" | "choice" | "yesno" | "list" | "number" | "people" | "area";
  options?: readonly string[];
  /** Whether it may be left out. */
  free?: true;
}

const lines = (name: string): Field => ({ name, as: "lines" });
const REASON = [lines("reason")];
const FOLLOW_UP: Field = { name: "follow_up_at", as: "time", free: true };

export const CAUSES = ["major", "complex", "watched"] as const;
export const REFERRALS = ["notary", "arbitration", "court"] as const;
export const DECISIONS = ["explained", "rectify", "criticise"] as const;

/** By kind and act, in the order of the form. */
export const ACTS: Record<DossierKind, Record<string, readonly Field[]>> = {
  interviews: {
    answer: [lines("note")],
    hold: [{ name: "held_at", as: "time" }, { name: "present", as: "line", free: true }, lines("minutes")],
    decide: [{ name: "decision", as: "choice", options: DECISIONS }, lines("note"), FOLLOW_UP],
    "follow-up": [{ name: "mended", as: "yesno" }, lines("note"), FOLLOW_UP],
    withdraw: REASON,
  },
  deliberations: {
    opinion: [{ name: "seat", as: "number" }, lines("note")],
    material: [{ name: "title", as: "line" }, { ...lines("note"), free: true }],
    "call-vote": [{ name: "options", as: "list" }],
    vote: [{ name: "seat", as: "number" }, { name: "option", as: "number" }],
    conclude: [lines("note")],
    publish: [],
    withdraw: REASON,
  },
  mediations: {
    hold: [{ name: "held_at", as: "time" }, lines("minutes")],
    agree: [lines("note")],
    perform: [lines("note")],
    refer: [{ name: "to", as: "choice", options: REFERRALS }, lines("reason")],
    withdraw: REASON,
  },
  objections: {
    review: [{ name: "upheld", as: "yesno" }, lines("reason")],
    "ask-again": REASON,
    withdraw: REASON,
  },
  "public-notices": { withdraw: REASON },
};

/** What beginning one asks for. */
export const BEGINNINGS = {
  interviews: [{ name: "planned_at", as: "time" }, lines("reason")],
  objections: REASON,
  deliberations: [{ name: "cause", as: "choice", options: CAUSES }, lines("question"), { name: "agenda", as: "list", free: true }, { name: "members", as: "people", options: SEATS }],
  mediations: [lines("matter"), { name: "mediator", as: "line" }, { name: "parties", as: "people", options: PARTIES }],
  "public-notices": [
    { name: "title", as: "line" }, lines("text"), { name: "title_en", as: "line", free: true }, { ...lines("text_en"), free: true },
    { name: "area", as: "area", free: true }, { name: "from", as: "time", free: true }, { name: "until", as: "time" },
  ],
} as const satisfies Record<DossierKind, readonly Field[]>;

/** Somebody who takes part: as what, and who, where that is known. */
export interface Person {
  as: string;
  name: string;
  phone: string;
}

export interface Draft {
  words: Record<string, string>;
  people: Person[];
}

const wordsOf = (draft: Draft, field: Field): string => (draft.words[field.name] ?? "").trim();
const listOf = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

/** The first field that still lacks something; null if all is there. */
export function lackingOf(fields: readonly Field[], draft: Draft): string | null {
  const lacks = (field: Field): boolean => {
    if (field.as === "people") return draft.people.length === 0 || draft.people.some((person) => person.as === "");
    const text = wordsOf(draft, field);
    if (text === "") return field.free !== true;
    if (field.as === "number") return !/^[1-9]\d*$/.test(text);
    return field.as === "time" && cityTime(text) === null;
  };
  return fields.find(lacks)?.name ?? null;
}

/** What is sent; what may be left out and is empty is left out. */
export function bodyOf(fields: readonly Field[], draft: Draft): Record<string, unknown> {
  const told = fields.filter((field) => field.as === "people" || wordsOf(draft, field) !== "");
  const value = (field: Field): unknown => {
    const text = wordsOf(draft, field);
    switch (field.as) {
      case "people":
        return draft.people.map(({ as, name, phone }) => ({ [field.name === "parties" ? "party" : "seat"]: as, name: name.trim(), phone: phone.trim() }));
      case "time":
        return cityTime(text);
      case "yesno":
        return text === "yes";
      case "number":
        return Number(text);
      case "list":
        return listOf(text);
      case "area":
      case "line":
      case "lines":
      case "choice":
        return text;
    }
  };
  return Object.fromEntries(told.map((field) => [field.name, value(field)]));
}
