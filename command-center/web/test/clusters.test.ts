import { describe, expect, it } from "vitest";
import type { SensorState } from "../src/api/types";
import { APART_MAX, Clusters, ZOOM_MAX } from "../src/map/clusters";

/** A crowd in the middle and a few far out; always the same. */
function city(size: number) {
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const rows = Array.from({ length: size }, (_, row) => {
    const near = row % 5 > 0;
    const state: SensorState = random() < 0.8 ? "online" : random() < 0.6 ? "silent" : "stuck";
    return { lon: 116.4 + (random() - 0.5) * (near ? 0.05 : 2), lat: 39.9 + (random() - 0.5) * (near ? 0.05 : 2), state, domain: random() < 0.7 ? "waste" : "air" };
  });
  const column = <K extends keyof (typeof rows)[number]>(key: K) => rows.map((row) => row[key]);
  return { lon: column("lon"), lat: column("lat"), state: column("state"), domain: column("domain") };
}

/** The cell of a place, in the words of the map's projection. */
function cell(lon: number, lat: number, zoom: number): string {
  const cells = (512 * 2 ** zoom) / 16;
  const y = (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2;
  return `${Math.floor(((lon + 180) / 360) * cells)}/${Math.floor(y * cells)}`;
}

describe("clusters", () => {
  const held = city(3_000);
  const clusters = new Clusters(held);
  const crowds = Array.from({ length: clusters.size }, (_, at) => clusters.crowd(at));

  it("are the cells with too many, at each zoom, and all others stand alone", () => {
    for (let zoom = 0; zoom <= ZOOM_MAX; zoom += 1) {
      const cells = new Map<string, number[]>();
      held.lon.forEach((lon, row) => {
        const name = cell(lon, held.lat[row] ?? 0, zoom);
        cells.set(name, [...(cells.get(name) ?? []), row]);
      });
      const full = [...cells.values()].filter((rows) => rows.length > APART_MAX);
      const expected = full.map((rows) => `${rows.length} ${rows.filter((row) => held.state[row] !== "online").length}`).sort();
      expect(crowds.filter((one) => one.zoom === zoom).map((one) => `${one.count} ${one.off}`).sort()).toEqual(expected);
      const alone = [...clusters.alone].filter((from) => from <= zoom).length;
      expect(alone).toBe(held.lon.length - full.reduce((sum, rows) => sum + rows.length, 0));
    }
  });

  it("stand in the middle of what they hold", () => {
    const whole = crowds.find((one) => one.zoom === 0);
    expect(whole?.count).toBe(3_000);
    expect(whole?.lon).toBeCloseTo(held.lon.reduce((sum, lon) => sum + lon, 0) / 3_000, 9);
    expect(whole?.domain).toBe("waste");
  });

  it("follow the states of what they hold", () => {
    const rows = [...held.state.keys()].filter((row) => row % 7 === 0);
    for (const row of rows) held.state[row] = "stuck";
    const touched = clusters.follow(rows);
    const anew = new Clusters(held);
    for (let at = 0; at < clusters.size; at += 1) expect(clusters.off(at)).toEqual(anew.off(at));
    const changed = crowds.flatMap((one, at) => (one.off !== clusters.off(at).off ? [at] : []));
    expect(touched).toEqual(expect.arrayContaining(changed));
    expect(clusters.follow(rows)).toEqual([]);
  });
});
