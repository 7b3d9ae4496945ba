import type { Store } from "nereus";
import { postgres } from "nereus/postgres";
import { sqlite } from "nereus/sqlite";

/** The store of a process that a test starts and kills: its one argument for it says where the data is. */
export function storeAt(place: string): Store {
  return place.startsWith("postgres")
    ? postgres({ connectionString: place, setUp: true, patience: 30_000 })
    : sqlite(place, { synchronous: "NORMAL" });
}
