/**
 * Requests to `/api/v1` of the same origin. The session is a cookie; a 401 is told to whoever asked to know.
 * It does not retry: what a person asked for is answered or refused at once.
 */
import type { Problem } from "./types";

export const BASE = "/api/v1";

/** An answer that is no success, or none at all (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
  }
}

let signedOut: () => void = () => undefined;

/** Names what happens when the server no longer knows the session. */
export function onSignedOut(act: () => void): void {
  signedOut = act;
}

export interface Answer<T> {
  body: T;
  etag: string | null;
}

async function request<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(BASE + path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { title: "unreachable" });
  }
  if (!response.ok) {
    if (response.status === 401) signedOut();
    throw new ApiError(response.status, await problemOf(response));
  }
  const body = response.status === 204 ? undefined : await response.json();
  return { body: body as T, etag: response.headers.get("etag") };
}

/** The problem document of an answer, or an empty one when a proxy answered something else. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? (body as Problem) : {};
  } catch {
    return {};
  }
}

export function query(parameters: Record<string, string | number | boolean | null | undefined>): string {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (pairs.length === 0) return "";
  return `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request<T>(path, signal ? { signal } : {})).body;
}

export async function getTagged<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  return request<T>(path, signal ? { signal } : {});
}

/** Sends a file as it is. */
export async function upload<T>(path: string, file: File): Promise<Answer<T>> {
  return request<T>(path, { method: "POST", headers: { "content-type": file.type || "application/octet-stream" }, body: file });
}

export async function post<T>(path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer<T>> {
  return request<T>(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}
