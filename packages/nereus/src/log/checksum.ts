import { crc32 } from "node:zlib";

/**
 * The checksum of a payload's JSON text: CRC-32 of its UTF-8 bytes. It finds damage (a flipped bit, a truncated
 * page, an edit by hand), at a tenth of a microsecond a message, so that every read can check it.
 */
export function checksumOf(data: string): number {
  return crc32(data);
}
