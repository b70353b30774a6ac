/** Why a request failed, in the reader's words. */
import { ApiError } from "./api/client";
import { t } from "./words";

export function failure(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 0) return t("error.unreachable");
  if (error.status === 403) return t("error.forbidden");
  if (error.status >= 500) return error.problem.detail ?? t("error.server");
  return error.message;
}

/** That something was not done, and why, in the server's words where it has any. */
export function refusal(error: unknown): string {
  const said = error instanceof ApiError ? error.problem.detail : undefined;
  return t("act.refused", { reason: said ?? failure(error) });
}
