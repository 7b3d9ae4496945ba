import { ValidationError } from "./errors.ts";

/** What aggregates and entities have to say no with. */
export interface Refusing {
  /**
   * Refuses what is asked: nothing is stored, callers get the code (HTTP 422), and a sent command is not tried again. An `Error`
   * that is thrown instead is a fault of the program: HTTP 500, and a sent command is tried again and again.
   *
   * @param code yours, in the error's `issues`
   * @param path the field that it is about
   * @throws ValidationError REFUSED
   * @example if (this.holder === undefined) this.refuse("holder", "Nobody holds this account", "holder");
   */
  refuse(code: string, message: string, path?: string): never;
}

/**
 * Refuses what is asked, from anywhere in a handler: nothing is stored, callers get the code (HTTP 422), and a sent command is not
 * tried again. An `Error` that is thrown instead is a fault of the program: HTTP 500, and a sent command is tried again and again.
 * Methods of aggregates and entities say `this.refuse(…)`.
 *
 * @param code yours, in the error's `issues`
 * @param path the field that it is about
 * @throws ValidationError REFUSED
 * @example
 * .update(Withdraw, (account, { amount }) => {
 *   if (account.opened === undefined) refuse("unopened", "Not open yet");
 *   account.withdraw(amount);
 * })
 */
export function refuse(code: string, message: string, path?: string): never {
  throw refusal(undefined, undefined, { code, message, path });
}

/** Of the aggregate or entity that says no, where there is one. */
export function refusal(
  element: string | undefined,
  identity: string | undefined,
  { code, message, path }: { readonly code: string; readonly message: string; readonly path: string | undefined },
): ValidationError {
  const issue = { path: path === undefined ? [] : [path], code, message };
  const fix = "Tell the caller: the code and the message are in issues.";
  return new ValidationError("REFUSED", element, [issue], identity === undefined ? { fix } : { fix, identity });
}
