/** Units of handling: what they are called, and who can be sent. Pure. */
import type { CaseRow, Unit } from "../api/cases";
import type { Name } from "../api/types";

/** A unit that a case can be sent to. */
export interface Choice {
  code: string;
  name: Name;
  level: string;
}

/** One name after the other; what the first ends with and the second begins with stands once. */
export function joined(area: string, unit: string): string {
  for (let length = Math.min(area.length, unit.length); length > 0; length -= 1) {
    if (area.endsWith(unit.slice(0, length))) return area + unit.slice(length);
  }
  return area + unit;
}

function named(unit: Unit, area: Name): Name {
  return { zh: joined(area.zh ?? "", unit.name.zh ?? ""), en: [unit.name.en, area.en].filter(Boolean).join(", ") };
}

/** The name of a unit by its code, with its area where each area has one; the code itself if it is not known. */
export function unitName(code: string, units: readonly Unit[], areaName: (code: string) => Name): Name {
  const single = units.find((unit) => !unit.is_each && unit.unit === code);
  if (single) return single.name;
  const kind = units.find((unit) => unit.is_each && code.startsWith(`${unit.unit}-`));
  return kind ? named(kind, areaName(code.slice(kind.unit.length + 1))) : { zh: code, en: code };
}

/** The units that have the power that a case needs, those of its own areas first, from near to far. */
export function choicesFor(row: Pick<CaseRow, "district" | "subdistrict">, power: string | null, units: readonly Unit[], areaName: (code: string) => Name): Choice[] {
  const areaOf = (level: string): string | null => (level === "subdistrict" ? row.subdistrict : level === "district" ? row.district : null);
  const able = units.filter((unit) => power === null || unit.powers.includes(power));
  const choices = able.flatMap((unit): Choice[] => {
    if (!unit.is_each) return [{ code: unit.unit, name: unit.name, level: unit.level }];
    const area = areaOf(unit.level);
    return area === null ? [] : [{ code: `${unit.unit}-${area}`, name: named(unit, areaName(area)), level: unit.level }];
  });
  const order = ["subdistrict", "district", "city"];
  return choices.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}
