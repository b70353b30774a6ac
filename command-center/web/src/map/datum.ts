/**
 * Where domestic map services draw what GPS says is here: GCJ-02, a shift of some 550 metres in central Beijing.
 * The formula is public knowledge without an official publication; model/src/registry/datum.rs has the same.
 */
export type Degrees = [lon: number, lat: number];

/** Axis and squared eccentricity of the Krasovsky 1940 ellipsoid. */
const A = 6_378_245;
const EE = 0.006693421622965943;
const PI = Math.PI;

const waves = (v: number, a: number, b: number, c: number, d: number): number => ((a * Math.sin((v * PI) / b) + c * Math.sin((v * PI) / d)) * 2) / 3;

/** A point of WGS-84 on the grid of GCJ-02; outside a box around China they are the same. */
export function toGcj02([lon, lat]: Degrees): Degrees {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lon, lat];
  const x = lon - 105;
  const y = lat - 35;
  const shared = ((20 * Math.sin(6 * x * PI) + 20 * Math.sin(2 * x * PI)) * 2) / 3;
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + shared + waves(y, 20, 1, 40, 3) + waves(y, 160, 12, 320, 30);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + shared + waves(x, 20, 1, 40, 3) + waves(x, 150, 12, 300, 30);
  const phi = (lat * PI) / 180;
  const magic = 1 - EE * Math.sin(phi) ** 2;
  const root = Math.sqrt(magic);
  return [lon + (east * 180) / ((A / root) * Math.cos(phi) * PI), lat + (north * 180) / (((A * (1 - EE)) / (magic * root)) * PI)];
}
