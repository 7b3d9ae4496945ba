import { NereusError } from "../model/errors.ts";
import type { Commit } from "../ports/store.ts";

/** The most that a domain stores at once, in bytes of UTF-8: a mistake or an attack ends here, and not in the database. */
export interface SizeLimits {
  /** Of the data of one event, sent command, fact or snapshot. Default: 16 MiB (16,777,216). */
  readonly messageBytes?: number | undefined;
  /** Of everything that one command, or one batch of a projection, stores at once. Default: 64 MiB (67,108,864). */
  readonly commitBytes?: number | undefined;
}

const defaultMessageBytes = 16_777_216;
const defaultCommitBytes = 67_108_864;

/**
 * Refuses what is too large, before anything of it is written.
 *
 * @param element whom errors are about
 * @throws NereusError MESSAGE_TOO_LARGE or COMMIT_TOO_LARGE
 */
export function assertSizes(limits: SizeLimits, element: string, commit: Commit): void {
  const { messageBytes = defaultMessageBytes, commitBytes = defaultCommitBytes } = limits;
  const { appends = [], documents = [], idempotency } = commit;
  let length = idempotency?.result?.length ?? 0;
  for (const { messages } of appends) {
    for (const { type, data, extensions } of messages) {
      if (exceeds(data, messageBytes)) throw messageTooLarge(type, data, messageBytes);
      length += data.length + (extensions?.length ?? 0);
    }
  }
  for (const { data } of documents) length += data?.length ?? 0;
  if (length * 3 <= commitBytes) return; // no character has more bytes
  const bytes = bytesOf(commit);
  if (bytes > commitBytes) throw commitTooLarge(element, bytes, commitBytes);
}

function exceeds(text: string, most: number): boolean {
  return text.length * 3 > most && Buffer.byteLength(text) > most;
}

function bytesOf({ appends = [], documents = [], idempotency }: Commit): number {
  const messages = appends.flatMap((append) => append.messages);
  const texts = [
    ...messages.flatMap(({ data, extensions }) => [data, extensions]),
    ...documents.map(({ data }) => data),
    idempotency?.result,
  ];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text ?? ""), 0);
}

function messageTooLarge(type: string, data: string, most: number): NereusError {
  const what = `${type} has ${Buffer.byteLength(data)} bytes of data, more than the ${most} of a message`;
  return new NereusError("MESSAGE_TOO_LARGE", what, {
    element: type,
    fix: "Keep what is large elsewhere and name it in the message, or raise limits.messageBytes of the domain.",
  });
}

function commitTooLarge(element: string, bytes: number, most: number): NereusError {
  const what = `${element} would store ${bytes} bytes at once, more than the ${most} of a commit`;
  return new NereusError("COMMIT_TOO_LARGE", what, {
    element,
    fix: "Do it in several commands, or raise limits.commitBytes of the domain.",
  });
}
