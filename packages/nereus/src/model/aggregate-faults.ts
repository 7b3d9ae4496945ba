import { NereusError, NotImplementedError } from "./errors.ts";
import { messageDefinition } from "./message.ts";

/** Why an aggregate may not change: it is a past state, a query's, or its unit of work has ended. */
export type LockReason = "past" | "query" | "ended";

export function missingApplier(
  own: { readonly name: string; readonly eventSourced: boolean },
  event: unknown,
): NereusError {
  const name = messageDefinition(event, "event")?.name;
  const element = own.name;
  if (name === undefined) {
    return new NotImplementedError("APPLY_HANDLER_MISSING", `${element} raised something that is not an event`, {
      element,
      fix: "Raise an instance of a class made by Event(…).",
    });
  }
  const method = own.eventSourced ? "applies" : "raises";
  return new NotImplementedError("APPLY_HANDLER_MISSING", `${element} raised ${name} but has no .${method} for it`, {
    element,
    fix: own.eventSourced
      ? `Add .applies(${name}, (state, event) => { … }) to ${element}, or a method with @apply(${name}).`
      : `Add .raises(${name}) to ${element}, or name it in the raises of @aggregate.`,
  });
}

export function changedOutside(element: string, field: string): NereusError {
  return new NereusError("STATE_CHANGED_OUTSIDE_APPLY", `${element}: ${field} was changed outside .applies`, {
    element,
    fix: "Raise an event, and change the field in its .applies handler.",
  });
}

/** What engines say of a write to what is frozen; the last is of dates, maps and sets. */
const frozenWrites = [
  /^Cannot (?:add|define) property .*object is not extensible$/,
  /^Cannot assign to read only property /,
  /^Cannot delete property /,
  /^Cannot change a value that is frozen/,
];

/**
 * The error of a handler that has changed something frozen in place: a list of an aggregate's state, a field of an object in it.
 * The language has only a TypeError for that, which names neither the aggregate nor what to do. Undefined for any other error.
 */
export function changedInPlace(element: string, error: unknown): NereusError | undefined {
  if (!(error instanceof TypeError) || !frozenWrites.some((words) => words.test(error.message))) return undefined;
  return new NereusError(
    "STATE_CHANGED_OUTSIDE_APPLY",
    `${element}: a frozen value was changed in place: ${error.message}`,
    {
      element,
      cause: error,
      fix: "Change event-sourced state in .applies, that of a state-stored aggregate in change(() => …); copy what a message holds.",
    },
  );
}

/**
 * Of an `.applies` handler that has set what is no field, as `Object.assign(state, event)` may: snapshots and stored state know nothing of it. What
 * it has set is taken away again.
 *
 * @param held the properties that the aggregate had of its own before
 * @throws NereusError FIELD_NOT_IN_SHAPE
 */
export function refuseUndeclared(element: string, root: object, held: readonly string[]): void {
  const now = Object.keys(root);
  if (now.length <= held.length) return;
  const names = now.filter((name) => !held.includes(name));
  for (const name of names) Reflect.deleteProperty(root, name);
  const what = `${element}: its .applies handler has set ${names.join(", ")}, which it does not declare`;
  throw new NereusError("FIELD_NOT_IN_SHAPE", what, {
    element,
    fix: "Declare the field, or assign those that there are, one by one, in the place of Object.assign(state, event).",
  });
}

export function raisedInsideApply(element: string): NereusError {
  return new NereusError("RAISED_INSIDE_APPLY", `${element} raised an event while another was being applied`, {
    element,
    fix: "Raise from a method; an apply handler also runs in replay and may only change the state.",
  });
}

export function raisedTwice(element: string, event: string): NereusError {
  return new NereusError("EVENT_RAISED_TWICE", `${element} raised one ${event} object a second time`, {
    element,
    fix: `Make a new ${event} for each thing that happens.`,
  });
}

export function locked(element: string, why: LockReason): NereusError {
  if (why === "query") {
    return new NereusError("AGGREGATE_READ_ONLY", `${element} was loaded by a query and cannot change`, {
      element,
      fix: "Change it in the handler of a command.",
    });
  }
  if (why === "past") {
    return new NereusError("AGGREGATE_READ_ONLY", `${element} was loaded at a past version or time and cannot change`, {
      element,
      fix: "Load it without atVersion and asOf to change it.",
    });
  }
  return new NereusError("AGGREGATE_READ_ONLY", `${element} was changed after its unit of work had ended`, {
    element,
    fix: "Load it again in the handler of the next command, and change it there.",
  });
}
