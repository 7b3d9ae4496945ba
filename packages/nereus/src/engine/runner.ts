import type { NereusError } from "../model/errors.ts";

/** What follows the log: a projection, a list of event handlers, the sent commands. */
export interface Runner {
  /** For reports: `Projection AccountSummary`. */
  readonly subject: string;
  /** Whether an error of {@link reach} holds up what comes after it; if not, it was put aside. Absent: always. */
  standsStillAfter?(error: unknown): boolean;
  /** What it is at: sentences. */
  readonly doing: readonly string[];
  /** Ends the handlers that it runs. */
  abort(error: NereusError): void;
  /**
   * Works until it has passed a position of the log and nothing is due, or the signal says stop.
   *
   * @param now what is to be tried again later is tried now; by default where there is no signal
   * @throws NereusError what it could not do; it stays before it
   */
  reach(position: number, signal?: AbortSignal, now?: boolean): Promise<void>;
  /** The log went back to an earlier state: begins again with what is stored, once the step under way has ended. */
  forget(): Promise<void>;
}
