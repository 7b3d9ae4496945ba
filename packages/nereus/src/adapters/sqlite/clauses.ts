/** A part of a WHERE, with the values for its question marks. */
export interface Clause {
  readonly sql: string;
  readonly parameters: readonly (string | bigint | number)[];
  /** How many operators stand inside one another; SQLite takes 1,000. */
  readonly depth: number;
}

export const never: Clause = { sql: "FALSE", parameters: [], depth: 0 };
export const always: Clause = { sql: "TRUE", parameters: [], depth: 0 };

export function clause(sql: string, ...parameters: Clause["parameters"]): Clause {
  return { sql, parameters, depth: 0 };
}

export function every(clauses: readonly Clause[]): Clause {
  return joined(clauses, "AND") ?? always;
}

export function either(clauses: readonly Clause[]): Clause {
  return joined(clauses, "OR") ?? never;
}

/** Unlike NOT it makes of what is unknown, being a comparison with null, the opposite of false. */
export function inverse({ sql, parameters, depth }: Clause): Clause {
  return { sql: `(${sql}) IS NOT TRUE`, parameters, depth: depth + 1 };
}

/** Joins the two shallowest until one is left, so that the whole becomes as shallow as it can be. */
function joined(clauses: readonly Clause[], operator: "AND" | "OR"): Clause | undefined {
  const [only] = clauses;
  if (clauses.length < 2) return only;
  const given = [...clauses].sort((a, b) => a.depth - b.depth);
  const made: Clause[] = [];
  let [atGiven, atMade] = [0, 0];
  const shallowest = (): Clause => {
    const [left, right] = [given[atGiven], made[atMade]];
    if (right === undefined || (left !== undefined && left.depth <= right.depth)) {
      atGiven++;
      return left ?? never;
    }
    atMade++;
    return right;
  };
  for (let joins = 1; joins < clauses.length; joins++) made.push(pair(shallowest(), operator, shallowest()));
  return made.at(-1);
}

function pair(left: Clause, operator: "AND" | "OR", right: Clause): Clause {
  return {
    sql: `(${left.sql} ${operator} ${right.sql})`,
    parameters: [...left.parameters, ...right.parameters],
    depth: Math.max(left.depth, right.depth) + 1,
  };
}
