import { unbegun } from "../engine/command-register.ts";
import { NereusError } from "../model/errors.ts";
import type { Note, Store } from "../ports/store.ts";
import { committedNotes } from "./store-notes.ts";

/** Whose a store is: JSON of a note of the store. */
interface Owner {
  readonly domain: string;
  /** What the domain was called before: a release that still calls it so may be started again. */
  readonly formerly: readonly string[];
}

const owner = "nereus:domain";

/**
 * Makes a store that nobody has the domain's, and refuses one that another has. A store of before this was noted down is
 * taken over; one that can only be read stays as it is.
 *
 * @param formerly other names that the domain had
 * @throws NereusError STORE_OF_ANOTHER_DOMAIN
 */
export async function claimStore(store: Store, domain: string, formerly: readonly string[]): Promise<void> {
  let note = await store.records.note(owner);
  for (;;) {
    const known = ownerIn(note);
    if (known !== undefined && (known.domain === domain || known.formerly.includes(domain))) return;
    if (known !== undefined && !formerly.includes(known.domain)) throw anothers(store, domain, known.domain);
    const former = known === undefined ? [] : [known.domain, ...known.formerly];
    const data = JSON.stringify({ domain, formerly: [...new Set(former)] } satisfies Owner);
    const first = note === undefined ? [unbegun] : [];
    const met = await committedNotes(store, [{ name: owner, expected: note?.revision ?? 0, data }, ...first]);
    if (met === undefined) return;
    note = await store.records.note(owner);
  }
}

/** Undefined also where it cannot be read: then the store is taken as nobody's. */
function ownerIn(note: Note | undefined): Owner | undefined {
  if (note === undefined) return undefined;
  try {
    const { domain, formerly } = JSON.parse(note.data) as Partial<Owner>;
    return typeof domain === "string" && Array.isArray(formerly) ? { domain, formerly } : undefined;
  } catch {
    return undefined;
  }
}

function anothers(store: Store, domain: string, holder: string): NereusError {
  const message = `The store ${store.name} is the domain ${holder}'s; ${domain} would share its streams, rows and checkpoints`;
  return new NereusError("STORE_OF_ANOTHER_DOMAIN", message, {
    element: domain,
    fix: `Give each domain a store of its own; if ${domain} was called ${holder} before, say formerly: [${JSON.stringify(holder)}] in its options.`,
  });
}
