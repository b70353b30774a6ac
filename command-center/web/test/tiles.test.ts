import { describe, expect, it } from "vitest";
import { toGcj02 } from "../src/map/datum";
import { gridAt, groundOf, tilesOf } from "../src/map/tiles";

const AMAP = "https://tiles.example/?x={x}&y={y}&z={z}";

describe("a basemap on GCJ-02", () => {
  it("is shifted as model/src/registry/datum.rs shifts", () => {
    const [lon, lat] = toGcj02([116.40717, 39.90469]);
    expect(lon).toBeCloseTo(116.41341239543625, 12);
    expect(lat).toBeCloseTo(39.90609341287871, 12);
    expect(toGcj02([-118.25, 34.07])).toEqual([-118.25, 34.07]);
  });

  it("shows each point of Beijing within a pixel of where it is, at every zoom", () => {
    let worst = 0;
    for (let z = 7; z <= 18; z += 1) {
      for (let lon = 115.5; lon <= 117.5; lon += 0.037) {
        for (let lat = 39.5; lat <= 41; lat += 0.041) {
          const [x, y] = gridAt(z, [lon, lat]);
          const ground = groundOf("gcj02", z, Math.floor(x), Math.floor(y));
          const [right, down] = gridAt(z, toGcj02([lon, lat]));
          const drawnX = (right - ground.west) / (ground.east - ground.west);
          const drawnY = (down - ground.north) / (ground.south - ground.north);
          worst = Math.max(worst, 256 * Math.hypot(drawnX - (x % 1), drawnY - (y % 1)));
        }
      }
    }
    expect(worst).toBeLessThan(1);
  });

  it("takes the one to four tiles that show a tile's ground", () => {
    const ground = groundOf("gcj02", 16, 53_958, 24_811);
    const tiles = tilesOf(AMAP, 16, ground);
    expect(tiles.length).toBeGreaterThanOrEqual(2);
    expect(tiles.length).toBeLessThanOrEqual(4);
    for (const edge of [ground.west, ground.east]) expect(tiles.some((tile) => tile.x <= edge && edge <= tile.x + 1)).toBe(true);
    for (const edge of [ground.north, ground.south]) expect(tiles.some((tile) => tile.y <= edge && edge <= tile.y + 1)).toBe(true);
  });
});

describe("a basemap on WGS-84", () => {
  it("is asked tile by tile, from the north or from the south, around the world", () => {
    const one = (template: string, x: number): string[] => tilesOf(template, 3, groundOf("wgs84", 3, x, 2)).map((tile) => tile.url);
    expect(one("/tiles/{z}/{x}/{y}.png", 6)).toEqual(["/tiles/3/6/2.png"]);
    expect(one("/tiles/{z}/{x}/{-y}.png", 6)).toEqual(["/tiles/3/6/5.png"]);
    expect(one("/tiles/{z}/{x}/{y}.png", -1)).toEqual(["/tiles/3/7/2.png"]);
  });
});
