import { NereusError } from "../model/errors.ts";

export function notAdded(name: string, id: string): NereusError {
  return new NereusError("AGGREGATE_NOT_ADDED", `${name} ${id} was changed but not added`, {
    element: name,
    fix: "Call await repository(…).add(aggregate) once it is changed.",
  });
}

export function swallowed(error: unknown): NereusError {
  return new NereusError("INNER_FAILURE_SWALLOWED", "A nested command failed, and its error was caught", {
    cause: error,
    fix: "Let the error pass, or check the condition before the nested command; nothing was stored.",
  });
}

export function unknownAggregate(name: string): NereusError {
  return new NereusError("UNKNOWN_AGGREGATE", `${name} is not an element of this domain`, {
    element: name,
    fix: `Add ${name} to the domain's elements.`,
  });
}

export function withoutIdentity(name: string, field: string): NereusError {
  return new NereusError("IDENTITY_MISSING", `${name} has no ${field} yet`, {
    element: name,
    fix: `Set ${field} in the .applies handler of its first event.`,
  });
}

export function nothingRaised(name: string): NereusError {
  return new NereusError("NOTHING_TO_SAVE", `A new ${name} was added that has raised no event`, {
    element: name,
    fix: "Raise the event that made it.",
  });
}

export function duplicate(name: string, id: string): NereusError {
  return new NereusError("AGGREGATE_DUPLICATE", `Another instance of ${name} ${id} is already in this unit of work`, {
    element: name,
    fix: "Change the instance that repository.get returned, or use another identity.",
  });
}
