import type { CollectionShape } from "../../../src/ports/store.ts";

/** What transfer-money.ts writes and its tests count. */
export const accounts: CollectionShape = {
  name: "accounts",
  fields: [
    { name: "id", type: "text", required: true },
    { name: "balance", type: "integer", required: true },
  ],
  indexes: [["balance"]],
  unique: [],
};
