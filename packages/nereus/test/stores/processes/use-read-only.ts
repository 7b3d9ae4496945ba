// Opens a store and appends to it; prints what became of it. Arguments: path.
import { sqlite } from "../../../src/adapters/sqlite/index.ts";
import { append, messageOf } from "../../../src/conformance/samples.ts";
import { isNereusError } from "../../../src/model/errors.ts";

const [path = ""] = process.argv.slice(2);
const store = sqlite(path, { busyTimeout: 100 });
try {
  await store.open([]);
  await append(store, "a", "any", messageOf());
  console.log("written");
} catch (error) {
  console.log(
    isNereusError(error) ? `${error.code} ${error.message} ${error.fix}`.replaceAll("\n", " ") : String(error),
  );
}
await store.close();
