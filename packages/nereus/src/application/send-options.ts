/** How urgent a sent command is: of those that are due, the more urgent come first. */
export type Priority = "bulk" | "low" | "normal" | "high" | "critical";

/** How a command is sent. */
export interface SendOptions {
  /** Not before this moment, by the domain's clock. Default: at once. */
  readonly at?: Date | undefined;
  /** Default: `normal`. */
  readonly priority?: Priority | undefined;
  /** Makes the command take effect once, as with `process`. */
  readonly idempotencyKey?: string | undefined;
  /** Later than this by the domain's clock, the command is refused and reported. */
  readonly deadline?: Date | undefined;
}

/** What says that a command is stored, and will be handled. */
export interface Receipt {
  /** The command's id: the cause of its events. */
  readonly commandId: string;
  /** Where it stands in the log. */
  readonly position: number;
  /**
   * Takes the command back, if it is not handled yet: it then never takes effect, in no process. `"underWay"`: its handler runs at this moment in
   * this process, and nothing was taken back; ask again. A command that was refused counts as handled.
   *
   * @param reason kept with the command's outcome
   */
  cancel(reason?: string): Promise<Cancellation>;
}

/** What came of taking a sent command back. */
export type Cancellation = "cancelled" | "handled" | "underWay";

/** Higher comes first. */
export const priorities: Readonly<Record<Priority, number>> = {
  bulk: -100,
  low: -50,
  normal: 0,
  high: 50,
  critical: 100,
};
