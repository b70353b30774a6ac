/**
 * Tiles of a basemap: which of them hold what a tile of the map shows.
 *
 * The map is WGS-84, whatever lies under it. A tile drawn on GCJ-02 is not moved as a whole, as everything we draw would
 * have to be moved with it: each tile of the map is cut out of the one to four that show its ground.
 */
import { type Degrees, toGcj02 } from "./datum";

/** The part of the basemap's grid that is one tile of the map, in tiles of that zoom; whole numbers are their corners. */
export interface Ground {
  west: number;
  north: number;
  east: number;
  south: number;
}

/** A tile's north-western corner. */
function corner(z: number, x: number, y: number): Degrees {
  const size = 2 ** z;
  return [(x / size) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / size))) * 180) / Math.PI];
}

/** Where a point is, in tiles of a zoom from the north-west of the world. */
export function gridAt(z: number, [lon, lat]: Degrees): [x: number, y: number] {
  const size = 2 ** z;
  const phi = (lat * Math.PI) / 180;
  return [((lon + 180) / 360) * size, ((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2) * size];
}

/** What the tile x, y of the map shows, on the basemap's grid. The shift changes by a third of a per cent at most, so within
 * a tile of 256 pixels it is the same to a pixel. */
export function groundOf(datum: "wgs84" | "gcj02", z: number, x: number, y: number): Ground {
  if (datum === "wgs84") return { west: x, north: y, east: x + 1, south: y + 1 };
  const [west, north] = gridAt(z, toGcj02(corner(z, x, y)));
  const [east, south] = gridAt(z, toGcj02(corner(z, x + 1, y + 1)));
  return { west, north, east, south };
}

export interface Tile {
  x: number;
  y: number;
  url: string;
}

/** The tiles that show it, row by row. */
export function tilesOf(template: string, z: number, ground: Ground): Tile[] {
  const size = 2 ** z;
  const tiles: Tile[] = [];
  for (let y = Math.floor(ground.north); y < ground.south; y += 1) {
    for (let x = Math.floor(ground.west); x < ground.east; x += 1) {
      if (y < 0 || y >= size) continue;
      const around = ((x % size) + size) % size;
      const filled = template.replace("{z}", String(z)).replace("{x}", String(around)).replace("{y}", String(y)).replace("{-y}", String(size - 1 - y));
      tiles.push({ x, y, url: filled });
    }
  }
  return tiles;
}
