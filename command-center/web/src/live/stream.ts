/**
 * The connection to `/live`: one request that stays open, and what to do when it does not.
 * It promises: events in order, each once; after a break it asks to go on after the last id, and the server either does
 * so or sends a new snapshot. It never gives up while the session lasts.
 */
import { BASE } from "../api/client";
import { EventParser, type ServerEvent } from "./events";

export type Connection = "connecting" | "live" | "lost" | "signed-out";

/** First pause after a break; it doubles each time. */
const PAUSE_MS = 500;
/** Longest pause: a control room must not wait longer for a server that is back. */
const PAUSE_MS_MAX = 15_000;
/** The server says something every second, and a heartbeat every ten: after this the line is dead. */
const SILENCE_MS_MAX = 25_000;
/** A tab that was asleep trusts the line only if it was heard of this recently. */
const ASLEEP_MS = 5_000;
const WATCH_MS = 2_000;

export interface StreamHandler {
  events(events: ServerEvent[]): void;
  connection(state: Connection, retryAt: number | null): void;
}

/** The pause before attempt `attempt` (0 is the first after a break), with up to half of it taken off by `random`. */
export function pauseMs(attempt: number, random: number): number {
  const full = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (1 - random / 2));
}

export class LiveStream {
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private watch: ReturnType<typeof setInterval> | null = null;
  private attempt = 0;
  private lastId = "";
  private heardAt = 0;

  constructor(private readonly handler: StreamHandler) {}

  start(): void {
    if (this.watch) return;
    this.watch = setInterval(() => this.check(SILENCE_MS_MAX), WATCH_MS);
    document.addEventListener("visibilitychange", this.woke);
    window.addEventListener("online", this.woke);
    window.addEventListener("pageshow", this.woke);
    this.connect();
  }

  stop(): void {
    if (this.watch) clearInterval(this.watch);
    this.watch = null;
    document.removeEventListener("visibilitychange", this.woke);
    window.removeEventListener("online", this.woke);
    window.removeEventListener("pageshow", this.woke);
    this.cut();
  }

  /** Connects at once, whatever it was waiting for. */
  now(): void {
    this.attempt = 0;
    this.connect();
  }

  private readonly woke = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.timer) this.now();
    else this.check(ASLEEP_MS);
  };

  /** Gives up a line that has been silent for longer than `silence`. */
  private check(silence: number): void {
    if (this.abort && Date.now() - this.heardAt > silence) this.now();
  }

  private cut(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.abort?.abort();
    this.abort = null;
  }

  private connect(): void {
    this.cut();
    const abort = new AbortController();
    this.abort = abort;
    this.heardAt = Date.now();
    this.handler.connection("connecting", null);
    this.read(abort.signal)
      .catch(() => "broken" as const)
      .then((end) => {
        if (abort.signal.aborted) return;
        this.abort = null;
        if (end === "signed-out") {
          this.stop();
          this.handler.connection("signed-out", null);
        } else this.retry();
      });
  }

  private retry(): void {
    const pause = pauseMs(this.attempt, Math.random());
    this.attempt += 1;
    this.timer = setTimeout(() => this.connect(), pause);
    this.handler.connection("lost", Date.now() + pause);
  }

  private async read(signal: AbortSignal): Promise<"signed-out" | "ended"> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (this.lastId) headers["last-event-id"] = this.lastId;
    const response = await fetch(`${BASE}/live`, { headers, signal, cache: "no-store", credentials: "same-origin" });
    if (response.status === 401) return "signed-out";
    if (!response.ok || !response.body) return "ended";
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "ended";
      this.heardAt = Date.now();
      const events = parser.push(value);
      const last = events.at(-1);
      if (!last) continue;
      // Only now is the line good: a proxy that answers 200 and nothing else must not reset the pauses.
      this.attempt = 0;
      this.handler.connection("live", null);
      try {
        this.handler.events(events);
        this.lastId = last.id;
      } catch (error) {
        // What we could not read we cannot build on: the next connection starts from a snapshot.
        this.lastId = "";
        throw error;
      }
    }
  }
}
