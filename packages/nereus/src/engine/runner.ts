/** What follows the log: a projection, a list of event handlers, the sent commands. */
export interface Runner {
  /** For reports: `Projection AccountSummary`. */
  readonly subject: string;
  /**
   * Works until it has passed a position of the log and nothing is due, or the signal says stop.
   *
   * @throws NereusError what it could not do; it stays before it
   */
  reach(position: number, signal?: AbortSignal): Promise<void>;
}
