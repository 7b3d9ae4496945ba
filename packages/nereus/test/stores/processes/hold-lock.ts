// Holds the write lock of a database file until its input ends. Arguments: path, and what to begin.
import { DatabaseSync } from "node:sqlite";

const [path = "", begin = "BEGIN IMMEDIATE"] = process.argv.slice(2);
const database = new DatabaseSync(path);
database.exec(begin);
console.log("locked");
process.stdin.resume().on("end", () => {
  database.exec("ROLLBACK");
  database.close();
  console.log("released");
});
