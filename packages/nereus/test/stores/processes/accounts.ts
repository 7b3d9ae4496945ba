import type { CollectionShape } from "../../../src/ports/store.ts";

/** What transfer-money.ts writes and its tests count. */
export const accounts: CollectionShape = {
  name: "accounts",
  fields: [
    { name: "id", type: "text" },
    { name: "balance", type: "integer" },
  ],
  indexes: [["balance"]],
};
