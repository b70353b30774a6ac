/** Whether a token is good. Pure. */
import type { Token } from "../api/accounts";

export type TokenState = "active" | "ended" | "revoked";

/** By the wall's clock, as the server sees it. */
export function tokenState({ revoked_at, expires_at }: Pick<Token, "revoked_at" | "expires_at">, now = Date.now()): TokenState {
  if (revoked_at !== null && revoked_at !== undefined) return "revoked";
  return expires_at !== null && expires_at !== undefined && expires_at <= now ? "ended" : "active";
}
