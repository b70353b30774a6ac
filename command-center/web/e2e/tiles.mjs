/** A little server of map tiles for the tests, drawn by hand: a disc at one place, or something like streets. */
import { createServer } from "node:http";
import { crc32, deflateSync } from "node:zlib";

/** Pixels of a tile's side. */
const SIDE = 256;

/** A place on the web's Mercator in tiles of a zoom, from the north-west of the world. */
function gridAt(z, [lon, lat]) {
  const size = 2 ** z;
  return [((lon + 180) / 360) * size, ((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * size];
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A tile as a PNG of eight bits a channel; `colourAt` gives red, green and blue of a pixel. */
function png(colourAt) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIDE, 0);
  head.writeUInt32BE(SIDE, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) rows.set(colourAt(x, y), y * (1 + 3 * SIDE) + 1 + 3 * x);
  }
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** White, with a dark red disc of a radius in pixels at a place of the tiles' own grid. */
export const disc = (place, radius) => (z, x, y) => {
  const [right, down] = gridAt(z, place);
  return png((px, py) => (Math.hypot((x - right) * SIDE + px + 0.5, (y - down) * SIDE + py + 0.5) <= radius ? [150, 0, 0] : [255, 255, 255]));
};

/** Rings, roads out of the middle, streets that bend, a river, a lake and parks: made up, and the same at each zoom. */
export const streets = (middle) => (z, x, y) => {
  const [right, down] = gridAt(14, middle);
  const scale = 2 ** (14 - z);
  return png((px, py) => {
    // In tiles of zoom 14, some 1.9 km each, from the middle.
    const [u, v] = [(x + px / SIDE) * scale - right, (y + py / SIDE) * scale - down];
    const within = (distance, width) => Math.abs(distance) * (SIDE / scale) < width;
    const near = (value, step, width) => within(value - Math.round(value / step) * step, width);
    const reach = (u ** 4 + v ** 4) ** 0.25;
    const [bentU, bentV] = [u + 0.12 * Math.sin(1.7 * v), v + 0.1 * Math.sin(1.3 * u)];
    if (Math.hypot(u + 0.55, (v + 0.35) * 0.6) < 0.3 || Math.abs(v - 0.9 * Math.sin(u / 2.1) - 3.1) < 0.09) return [170, 205, 230];
    if ([1.9, 3.1, 5.2, 8.4].some((ring) => within(reach - ring, 2.6))) return [245, 200, 110];
    if (reach > 1.9 && [0.4, 1.2, 2, 2.7].some((angle) => within(u * Math.sin(angle) - v * Math.cos(angle), 1.9))) return [248, 220, 140];
    if (z >= 12 && (near(bentU, 0.8, 1.4) || near(bentV, 0.65, 1.4))) return [255, 246, 200];
    if (z >= 13 && reach < 7 && (near(bentU + 0.1 * bentV, 0.2, 0.8) || near(bentV, 0.1625, 0.8))) return [255, 255, 255];
    const block = Math.abs(Math.sin(Math.floor(bentU / 0.8) * 12.9898 + Math.floor(bentV / 0.65) * 78.233) * 43758.5453) % 1;
    return block < 0.12 ? [205, 228, 190] : [238, 235, 228];
  });
};

/** Serves tiles at `/{z}/{x}/{y}.png` to every page, and counts how many it was asked for. */
export class TileServer {
  asked = 0;

  constructor(draw) {
    this.draw = draw;
  }

  async start(port = 0) {
    this.server = createServer((request, response) => {
      this.asked += 1;
      const [z, x, y] = request.url.match(/\d+/g).map(Number);
      response.writeHead(200, { "content-type": "image/png", "access-control-allow-origin": "*", "cache-control": "no-store" }).end(this.draw(z, x, y));
    });
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    this.origin = `http://127.0.0.1:${this.port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
