/** What a text of SQL does to the transaction that it runs in. */
export type Control =
  /** Nothing, or something within it: savepoints among it. */
  | "none"
  | "begin"
  | "commit"
  | "rollback"
  /** Ends or replaces it in a way that a savepoint cannot stand for. */
  | "refused";

/** Names of savepoints that the store sets itself. */
export const ownSavepoint = "nereus_savepoint_";

/** Most texts have none of these words, and need not be looked at any closer. */
const suspicious =
  /\b(?:begin|start|commit|end|rollback|abort|prepare|discard|deallocate|authorization|role)\b|nereus_savepoint_/i;

/** How many words of a statement are looked at. */
const longest = 16;

/** Isolation levels and modes that the transaction of a unit of work has anyway. */
const harmlessModes = /^(?:(?:isolation level read (?:un)?committed|read write|(?:not )?deferrable)(?: |$))*$/;

/** Tells what a text does to its transaction, as far as its words say so: what they hide the store finds when it commits. */
export function controlIn(text: string): Control {
  if (!suspicious.test(text)) return "none";
  const statements = statementsIn(text);
  const controls = statements.map(controlOf);
  if (controls.length === 1) return controls[0] ?? "none";
  return controls.every((control) => control === "none") ? "none" : "refused";
}

function controlOf(words: string): Control {
  const statement = words.replace(/^(begin|commit|end|rollback|abort)(?: (?:work|transaction))?(?= |$)/, "$1");
  if (/^(?:begin|start transaction)(?= |$)/.test(statement)) {
    return harmlessModes.test(statement.replace(/^(?:begin|start transaction) ?/, "")) ? "begin" : "refused";
  }
  if (/^(?:commit|end)(?: and no chain)?$/.test(statement)) return "commit";
  if (/^(?:rollback|abort)(?: and no chain)?$/.test(statement)) return "rollback";
  if (/^(?:savepoint|release|rollback to) /.test(statement))
    return statement.includes(ownSavepoint) ? "refused" : "none";
  const isRefused = /^(?:commit|end|rollback|abort|prepare transaction|discard|deallocate all)(?= |$)/.test(statement);
  const changesUser = /^(?:(?:set|reset)(?: session| local)* authorization|set(?: session)? role)(?= |$)/.test(
    statement,
  );
  return isRefused || changesUser ? "refused" : "none";
}

/** Comments, texts in their four spellings, names and words, and the ends of statements; the rest says nothing. */
const tokens =
  /--[^\n\r]*|\/\*[\s\S]*?\*\/|e'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([\p{L}_][\p{L}\p{N}_]*)?\$[\s\S]*?\$\1\$|[\p{L}_][\p{L}\p{N}_$]*|;/giu;

/** The first words of each statement, in lower case; texts and comments in between count as none. */
function statementsIn(text: string): readonly string[] {
  const statements: string[][] = [[]];
  for (const [token] of text.matchAll(tokens)) {
    const words = statements.at(-1) as string[];
    if (token === ";") {
      // The body of a function may have statements of its own, which do nothing until it is called.
      if (/^create (?:or replace )?(?:function|procedure) /.test(words.join(" "))) break;
      statements.push([]);
    } else if (words.length < longest && /^["\p{L}_]/u.test(token) && !/^e'/i.test(token)) {
      words.push(token.replace(/^"|"$/g, "").toLowerCase());
    }
  }
  return statements.filter((words) => words.length > 0).map((words) => words.join(" "));
}
