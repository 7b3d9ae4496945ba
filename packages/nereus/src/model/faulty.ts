import { type ErrorCode, isNereusError, type ModelFault, NereusError } from "./errors.ts";

/**
 * What is wrong with a class from its declaration on. To declare it does not throw, so that the check of a domain reports
 * it together with everything else; to use it does.
 *
 * @throws NereusError with the first fault's code
 */
export function refuseFaulty([first]: readonly ModelFault[]): void {
  if (first === undefined) return;
  const { code, element, message, fix } = first;
  throw new NereusError(code, `${element}: ${message}`, { element, fix });
}

/** The fault that an error tells of; anything else is thrown on. */
export function faultOf(error: unknown, element: string, where: string): ModelFault {
  if (!isNereusError(error)) throw error;
  return fault(error.code, element, `${where}: ${error.message}`, error.fix ?? "");
}

export function fault(code: ErrorCode, element: string, message: string, fix: string): ModelFault {
  return { code, element, message, fix };
}

/** What to say of something that is not there though TypeScript says that it is. */
export const circular = "where two files import each other, a class may not be there yet";
