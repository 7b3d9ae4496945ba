// The direction of imports inside the framework. Type-only imports count: a reader follows them as well.
const source = "^packages/nereus/src/";
/** @param {string[]} names */
const folder = (...names) => `${source}(${names.join("|")})/`;

/** From left to right: a layer may import itself and the layers before it. */
const layers = ["model", "log", "ports", "application", "engine", "domain"];

const onward = layers.map((layer, index) => allowOnly(layer, layers.slice(0, index + 1)));

/** A rule that files of one folder of the framework import nothing of the framework but what is listed.
 * @param {string} name
 * @param {string[]} allowed */
function allowOnly(name, allowed) {
  return {
    name: `${name}-imports-only-${allowed.join("-")}`,
    severity: "error",
    from: { path: folder(name) },
    to: { path: source, pathNot: folder(...allowed) },
  };
}

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...onward,
    allowOnly("conformance", ["conformance", "model", "log", "ports"]),
    allowOnly("adapters", ["adapters", "model", "log", "ports"]),
    allowOnly("decorators", ["decorators", "domain", "application", "model"]),
    allowOnly("http", ["http", "model"]),
    allowOnly("testing", ["testing", ...layers]),
    {
      name: "no-adapter-imports-another",
      comment: "What adapters share is a file right in adapters/.",
      severity: "error",
      from: { path: `${source}adapters/([^/]+)` },
      to: { path: `${source}adapters/[^/]+/`, pathNot: `${source}adapters/$1/` },
    },
    {
      name: "nothing-imports-an-adapter",
      comment: "Only tests and users do.",
      severity: "error",
      from: { path: source, pathNot: folder("adapters") },
      to: { path: folder("adapters") },
    },
    {
      name: "the-framework-imports-no-test",
      severity: "error",
      from: { path: source },
      to: { path: "^(packages/[^/]+/test|examples|bench|scripts)/" },
    },
  ],
  options: {
    parser: "swc",
    exclude: { path: "(^|/)dist/" },
    doNotFollow: { path: "(^|/)node_modules/" },
    enhancedResolveOptions: {
      conditionNames: ["@nereus/source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
};
