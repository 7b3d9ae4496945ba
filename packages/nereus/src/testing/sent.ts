import { priorities, type SendOptions } from "../application/send-options.ts";
import type { SentCommand } from "../application/sent-command.ts";
import { assertMessages, failed } from "./assertion.ts";

/** A command that is to be sent, alone or with how. */
export type ExpectedSent = object | readonly [command: object, options: SendOptions];

/** That exactly these commands were sent, in this order, and as their options say where they have some. */
export function assertSent(
  actual: readonly { readonly command: object; readonly sent: SentCommand }[],
  expected: readonly ExpectedSent[],
): void {
  const wanted = expected.map((one): readonly [object, SendOptions] => (isWithOptions(one) ? one : [one, {}]));
  assertMessages(
    "command",
    actual.map(({ command }) => command),
    wanted.map(([command]) => command),
    "Other commands were sent than expected",
  );
  for (const [place, [, options]] of wanted.entries()) {
    const own = actual[place];
    if (own !== undefined) assertHow(`${place + 1}. ${own.sent.message.type}`, howOf(own.sent), options);
  }
}

function isWithOptions(one: ExpectedSent): one is readonly [object, SendOptions] {
  return Array.isArray(one);
}

function assertHow(what: string, actual: SendOptions, expected: SendOptions): void {
  for (const [name, wanted] of Object.entries(expected)) {
    const own = actual[name as keyof SendOptions];
    if (String(own?.valueOf()) === String(wanted?.valueOf())) continue;
    throw failed(`${what} was sent with another ${name} than expected`, actual, expected);
  }
}

function howOf({ at, rank, key, deadline }: SentCommand): SendOptions {
  const [priority] = Object.entries(priorities).find(([, of]) => of === rank) ?? [];
  return {
    at: at === 0 ? undefined : new Date(at),
    priority: priority as NonNullable<SendOptions["priority"]>,
    idempotencyKey: key,
    deadline,
  };
}
