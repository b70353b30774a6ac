/** What completion offers at a place of a rule file or of a file of tests. Pure. */
import type { RuleLanguage, Schema } from "../api/rules";
import type { Place } from "./place";

export interface Offer {
  label: string;
  kind: "key" | "word" | "metric" | "attribute" | "function" | "rule" | "duration";
  /** Shown beside it: a unit, a kind, an example. */
  detail: string;
  /** Shown under it. */
  about: string;
  /** What is written; the label where it is null. */
  write: string | null;
}

/** What is known beside the language itself. */
export interface Known {
  language: RuleLanguage;
  /** Ids of the rules of the draft. */
  rules: string[];
  /** What a function does, in the reader's words. */
  about(name: string): string;
}

const DURATIONS = ["1m", "5m", "10m", "30m", "1h", "6h", "1d"];
const EXPRESSION: Schema = { $ref: "#/$defs/condition" };
const RULE_ID: Schema = { $ref: "#/$defs/rule-id" };
const METRIC: Schema = { $ref: "#/$defs/metric" };
const DURATION: Schema = { $ref: "#/$defs/duration" };

/** Files of tests have no schema of their own: their keys, as docs/rule-language.md has them. */
export const TESTS: Schema = {
  properties: {
    rules: {},
    sensors: { additionalProperties: { $ref: "#/$defs/sensor" } },
    tests: {
      items: {
        properties: {
          name: {}, start: {}, until: DURATION, only: { items: RULE_ID }, sensors: { additionalProperties: { $ref: "#/$defs/sensor" } },
          readings: { items: { properties: { sensor: {}, metric: METRIC, every: DURATION, values: {}, start: DURATION, arrives: DURATION } } },
          expect: { items: { properties: { at: DURATION, opened: RULE_ID, escalated: RULE_ID, deescalated: RULE_ID, updated: RULE_ID, cleared: RULE_ID, key: {}, severity: { $ref: "#/$defs/severity" } } } },
        },
      },
    },
  },
};
const SENSOR: Schema = {
  properties: { domain: { enum: ["drainage", "waste", "traffic", "air", "weather"] }, lon: {}, lat: {}, interval: DURATION, lateness: DURATION, stale_after: DURATION, in_service: { enum: ["true", "false"] }, cell: {}, subdistrict: {}, district: {}, attr: {} },
};

/** Names in the rules' schema that it leaves as plain text. */
const MEANT: Record<string, Schema> = { metric: METRIC, of: { items: RULE_ID }, inhibits: { items: RULE_ID } };

/** A schema and all that it may stand for. */
function resolve(root: Schema, schema: Schema | boolean | undefined): Schema[] {
  if (typeof schema !== "object") return [];
  const named = schema.$ref?.split("/").at(-1) ?? "";
  const own = named === "sensor" ? SENSOR : root.$defs?.[named];
  return [schema, ...resolve(root, own), ...(schema.anyOf ?? []).flatMap((one) => resolve(root, one))];
}

/** The schemas below these keys; a list is as what it lists. */
function below(root: Schema, top: Schema, keys: string[]): Schema[] {
  return keys.reduce(
    (all, key) => all.flatMap((one) => resolve(root, one.properties?.[key] ?? one.additionalProperties)).flatMap((one) => [one, ...resolve(root, one.items)]),
    resolve(root, top),
  );
}

const offer = (label: string, kind: Offer["kind"], more: Partial<Offer> = {}): Offer => ({ label, kind, detail: "", about: "", write: null, ...more });

function keys(schemas: Schema[], root: Schema): Offer[] {
  const found = schemas.flatMap((one) => Object.entries(one.properties ?? {}));
  return found.map(([name, schema]) => {
    const about = resolve(root, schema).find((one) => one.description !== undefined)?.description ?? "";
    return offer(name, "key", { about, write: `${name}: ` });
  });
}

function values(schemas: Schema[]): Offer[] {
  return schemas.flatMap((one) => {
    const words = [...(one.enum ?? []), ...(typeof one.const === "string" ? [one.const] : []), ...(one.type === "boolean" ? ["true", "false"] : [])];
    return words.map((word) => offer(word, "word"));
  });
}

function expression({ language, about }: Known): Offer[] {
  return [
    ...language.metrics.map(({ name, unit, domain }) => offer(name, "metric", { detail: [domain, unit === "1" ? "" : unit].filter(Boolean).join(" · ") })),
    ...language.attributes.map(({ name, kind }) => offer(`attr.${name}`, "attribute", { detail: kind })),
    offer("attr.interval_s", "attribute", { detail: "number" }),
    ...language.functions.map(({ name, example }) => offer(name, "function", { detail: example, about: about(name), write: `${name}(` })),
  ];
}

/** Everything that may stand at a place; whoever asks leaves out what does not begin as what was typed. */
export function offers(place: Place, isTest: boolean, known: Known): Offer[] {
  if (place.kind === "expression") return expression(known);
  const root = known.language.schema;
  const top = isTest ? TESTS : root;
  if (place.kind === "key") return keys(below(root, top, place.around), root);
  const meant = isTest ? undefined : MEANT[place.key];
  const schemas = [...below(root, top, [...place.around, place.key]), ...(meant ? [meant, ...resolve(root, meant.items)] : [])];
  const each = place.key === "each" ? known.language.attributes.map(({ name }) => offer(`attr.${name}`, "attribute")) : [];
  const calendars = place.key === "calendar" ? known.language.calendars.map((name) => offer(name, "word")) : [];
  return [...values(schemas), ...each, ...calendars, ...named(schemas, known)];
}

/** What the names of some schemas stand for. */
function named(schemas: Schema[], known: Known): Offer[] {
  const is = (schema: Schema): boolean => schemas.some((one) => one.$ref === schema.$ref);
  return [
    ...(is(RULE_ID) ? known.rules.map((id) => offer(id, "rule")) : []),
    ...(is(METRIC) ? known.language.metrics.map(({ name, unit }) => offer(name, "metric", { detail: unit })) : []),
    ...(is(DURATION) ? DURATIONS.map((text) => offer(text, "duration")) : []),
    ...(is(EXPRESSION) ? expression(known) : []),
  ];
}

/** The ids of the rules of a text, and their lines from 1: for the outline. What is wrong with it does not matter here. */
export function outline(text: string): { id: string; line: number }[] {
  return text.split("\n").flatMap((line, at) => {
    const id = /^\s*- +(?:\{\s*)?id:\s*["']?([\w.-]+)/.exec(line)?.[1];
    return id === undefined ? [] : [{ id, line: at + 1 }];
  });
}

/** The names of the tests of a text, and their lines from 1. */
export function testNames(text: string): { id: string; line: number }[] {
  return text.split("\n").flatMap((line, at) => {
    const id = /^\s*- +name:\s*(.+?)\s*$/.exec(line)?.[1];
    return id === undefined ? [] : [{ id, line: at + 1 }];
  });
}
