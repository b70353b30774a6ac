/** Who is signed in. The cookie is the server's; this only knows what the server answers. */
import { ref, watch } from "vue";
import { ApiError, get, onSignedOut, post } from "./api/client";
import type { Session } from "./api/types";
import { live } from "./live/store";

export type SignIn = "asking" | "in" | "out";

export const signIn = ref<SignIn>("asking");
export const session = ref<Session | null>(null);

onSignedOut(leave);
watch(
  () => live.line.connection,
  (connection) => connection === "signed-out" && leave(),
);

function leave(): void {
  signIn.value = "out";
  session.value = null;
  live.stop();
}

/** Asks the server. When it cannot be reached the page goes on and says so: a signed-in operator keeps the picture. */
export async function askSession(): Promise<void> {
  try {
    session.value = await get<Session>("/session");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
  }
  signIn.value = "in";
  live.start();
}

export async function signOut(): Promise<void> {
  try {
    await post("/sign-out", {});
  } finally {
    leave();
  }
}
