/** What a command came to. */
export interface Processed {
  readonly result: unknown;
  /** The log's position when its effects were in. */
  readonly position: number;
  /**
   * Of work with a checkpoint: whether it was moved with the commit. It is not where nothing else was to be written, or where
   * another process had moved it already, and then nothing was written.
   */
  readonly checkpoint?: "moved" | "superseded" | undefined;
}
