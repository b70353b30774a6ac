import type { zhSignIn } from "./signin.zh";

/** Why the city's directory signed nobody in, in English. */
export const enSignIn: Record<keyof typeof zhSignIn, string> = {
  "signin.refused": "Not signed in: {reason}.",
  "signin.refusal.stale": "the sign-in took too long: try again",
  "signin.refusal.denied": "the directory did not let you in",
  "signin.refusal.away": "the directory cannot be reached now",
  "signin.refusal.answer": "the directory's answer cannot be used",
  "signin.refusal.form": "the token is in a wrong form",
  "signin.refusal.signature": "the token's signature is wrong",
  "signin.refusal.issuer": "the token is of another issuer",
  "signin.refusal.audience": "the token is for another system",
  "signin.refusal.time": "the token is over: compare the clocks",
  "signin.refusal.nonce": "the token is for another sign-in",
  "signin.refusal.unmapped": "none of your groups may anything here: ask an administrator",
  "signin.refusal.unknown": "you have no account: ask an administrator",
  "signin.refusal.taken": "the name is taken by another account: ask an administrator",
  "signin.refusal.disabled": "your account is disabled",
};
