/** The lists that cases go by, fetched once: classes and units. */
import { shallowRef } from "vue";
import { areaNames } from "../areas";
import { get } from "../api/client";
import type { CaseClass, Unit } from "../api/cases";
import { nameOf } from "../format";
import { lang } from "../words";
import { unitName } from "./units";

export const classes = shallowRef<CaseClass[]>([]);
export const units = shallowRef<Unit[]>([]);
let asked: Promise<void> | null = null;

async function load(): Promise<void> {
  const [first, second] = await Promise.all([get<{ items: CaseClass[] }>("/classes"), get<{ items: Unit[] }>("/units")]);
  classes.value = first.items;
  units.value = second.items;
}

/** Fetches both unless that was done; a failure is tried again at the next call, and codes stand for names until then. */
export function loadLists(): Promise<void> {
  asked ??= load().catch(() => {
    asked = null;
  });
  return asked;
}

export function classOf(code: string): CaseClass | undefined {
  return classes.value.find((one) => one.class === code);
}

/** The name of a class, or its code while it is not known. */
export function className(code: string): string {
  const known = classOf(code);
  return (known && nameOf(known.name, lang.value)) || code;
}

/** The name of a unit, or its code while it is not known. */
export function unitWords(code: string): string {
  return nameOf(unitName(code, units.value, areaNames), lang.value) || code;
}
