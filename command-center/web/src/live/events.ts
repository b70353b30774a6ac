/**
 * Server-sent events read from a byte stream (WHATWG HTML § 9.2.6).
 * We read them ourselves, not with `EventSource`: that one hides the status 401, hides heartbeats, and forgets the last
 * id when it is closed for a pause of our own.
 */

export interface ServerEvent {
  /** `message` when the server named none. */
  type: string;
  data: string;
  /** The last id seen on the stream so far; empty when there was none. */
  id: string;
}

/** Longest unfinished event; a stream that goes past it is broken and is ended. 64 MiB holds any snapshot. */
const PENDING_MAX = 64 * 1024 * 1024;

/** Cuts text into events. `push` takes any piece of the stream and gives the events that are now whole. */
export class EventParser {
  private pending = "";
  private type = "";
  private data: string[] = [];
  private id = "";
  private held = 0;

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.pending + text).split(/\r\n|\n|\r(?!$)/);
    this.pending = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.line(line);
      if (event) events.push(event);
    }
    if (this.pending.length + this.held > PENDING_MAX) throw new Error("an event of the live stream is too long");
    return events;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "data") {
      this.data.push(value);
      this.held += value.length;
    } else if (field === "event") this.type = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): ServerEvent | null {
    const event = this.data.length > 0 ? { type: this.type || "message", data: this.data.join("\n"), id: this.id } : null;
    this.type = "";
    this.data = [];
    this.held = 0;
    return event;
  }
}
