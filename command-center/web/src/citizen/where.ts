/** Which area holds a point, so that whoever marks it sees where that is. Pure. */
import type { AreaCollection } from "../api/types";
import type { Place } from "./requests";

/** Whether a ring goes round a point: a line from it to the east crosses the ring an odd number of times. */
function isRound(ring: GeoJSON.Position[], { lon, lat }: Place): boolean {
  let within = false;
  for (let at = 0; at < ring.length; at += 1) {
    const [ax = 0, ay = 0] = ring[at] ?? [];
    const [bx = 0, by = 0] = ring[at === 0 ? ring.length - 1 : at - 1] ?? [];
    if (ay > lat !== by > lat && lon < ((bx - ax) * (lat - ay)) / (by - ay) + ax) within = !within;
  }
  return within;
}

/** The area of these that holds the point: in an odd number of its rings, for a hole is one more. */
export function areaAt(areas: AreaCollection, place: Place): AreaCollection["features"][number] | null {
  const holds = ({ geometry }: AreaCollection["features"][number]): boolean => {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return polygons.flat().filter((ring) => isRound(ring, place)).length % 2 === 1;
  };
  return areas.features.find(holds) ?? null;
}
