/** Names of districts and subdistricts, fetched once. */
import { shallowRef } from "vue";
import { get } from "./api/client";
import type { Area, Incident, Name } from "./api/types";
import { nameOf } from "./format";
import { lang } from "./words";

const known = shallowRef(new Map<string, Area>());
export const districts = shallowRef<Area[]>([]);
let asked: Promise<void> | null = null;

async function load(): Promise<void> {
  const [first, second] = await Promise.all([
    get<{ items: Area[] }>("/areas?level=district"),
    get<{ items: Area[] }>("/areas?level=subdistrict"),
  ]);
  districts.value = first.items;
  known.value = new Map([...first.items, ...second.items].map((area) => [area.code, area]));
}

/** Fetches the areas unless that was done; a failure is tried again at the next call. */
export function loadAreas(): Promise<void> {
  asked ??= load().catch(() => {
    asked = null;
  });
  return asked;
}

/** The subdistricts of a district, as far as they are known. */
export function subdistrictsOf(district: string): Area[] {
  return [...known.value.values()].filter((area) => area.parent === district);
}

/** Where an incident is, in one line: its place's own name, after the district unless that is in it. */
export function whereabouts(incident: Incident): string {
  const place = nameOf(incident.place_name, lang.value) || incident.key;
  const district = areaName(incident.district);
  return place.includes(district) ? place : `${district} · ${place}`;
}

/** The names of an area, or its code in their place until they are known. */
export function areaNames(code: string): Name {
  const name = known.value.get(code)?.name ?? code;
  return typeof name === "string" ? { zh: name, en: name } : name;
}

/** The name of an area, or its code until it is known. */
export function areaName(code: string | null | undefined): string {
  if (!code) return "";
  const area = known.value.get(code);
  return (area && nameOf(area.name, lang.value)) || code;
}
