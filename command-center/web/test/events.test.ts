import { describe, expect, it } from "vitest";
import { EventParser } from "../src/live/events";

const STREAM = 'id: 7\nevent: clock\ndata: {"now_at":1}\n\n: heartbeat\n\ndata: a\ndata: b\r\n\r\nid: 8\nevent: overview\ndata:x\n\n';
const EVENTS = [
  { type: "clock", data: '{"now_at":1}', id: "7" },
  { type: "message", data: "a\nb", id: "7" },
  { type: "overview", data: "x", id: "8" },
];

describe("EventParser", () => {
  it("reads a whole stream", () => {
    expect(new EventParser().push(STREAM)).toEqual(EVENTS);
  });

  it("reads it in pieces of any size", () => {
    for (let size = 1; size < 12; size += 1) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
      expect(events, `pieces of ${size}`).toEqual(EVENTS);
    }
  });

  it("gives nothing for what has no end yet", () => {
    expect(new EventParser().push("event: clock\ndata: 1\n")).toEqual([]);
  });
});
