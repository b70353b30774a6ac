/** Citizens' pages: where a point lies, and keys that name an appeal. */
import { describe, expect, it } from "vitest";
import type { AreaCollection } from "../src/api/types";
import { newKey } from "../src/citizen/key";
import { areaAt } from "../src/citizen/where";

const square = (west: number, south: number, size: number): number[][] => [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]];
const area = (code: string, coordinates: number[][][][]) => ({ type: "Feature" as const, geometry: { type: "MultiPolygon" as const, coordinates }, properties: { code, level: "district" as const, name: code, parent: null } });
const AREAS: AreaCollection = { type: "FeatureCollection", features: [area("ring", [[square(0, 0, 10), square(4, 4, 2)], [square(20, 0, 1)]]), area("hole", [[square(4, 4, 2)]])] };

describe("the area of a point", () => {
  it("is the one whose outline goes round it", () => {
    const at = (lon: number, lat: number): string | undefined => areaAt(AREAS, { lon, lat })?.properties.code;
    expect([at(1, 1), at(5, 5), at(20.5, 0.5), at(15, 5), at(-1, -1)]).toEqual(["ring", "hole", "ring", undefined, undefined]);
  });
});

describe("a key", () => {
  it("is 128 bits that are others each time", () => {
    const keys = Array.from({ length: 50 }, newKey);
    expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
    expect(new Set(keys).size).toBe(50);
  });
});
