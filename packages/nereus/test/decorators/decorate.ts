type Decorator = (...site: never[]) => void;

/** How a build calls decorators. Vitest compiles none, so tests call them as the output of a compiler would. */
export interface Build {
  readonly mode: string;
  method(type: { readonly prototype: object }, name: string, decorator: unknown): void;
  type(type: object, decorator: unknown): void;
}

function contextOf(type: { readonly prototype: object }, name: string) {
  return {
    kind: "method",
    name,
    static: false,
    private: false,
    access: { has: () => true, get: () => Reflect.get(type.prototype, name) },
    metadata: undefined,
    addInitializer: () => undefined,
  };
}

const call = (decorator: unknown, ...site: unknown[]) => (decorator as Decorator)(...(site as never[]));

export const builds: readonly Build[] = [
  {
    mode: "standard",
    method: (type, name, decorator) => call(decorator, Reflect.get(type.prototype, name), contextOf(type, name)),
    type: (type, decorator) => call(decorator, type, { kind: "class", name: "", addInitializer: () => undefined }),
  },
  {
    mode: "legacy",
    method: (type, name, decorator) =>
      call(decorator, type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name)),
    type: (type, decorator) => call(decorator, type),
  },
];

/** Decorates methods of a class, then the class itself. Of a method's decorators the last runs first, as written. */
export function decorate<T extends { readonly prototype: object }>(
  { method, type: decorateType }: Build,
  type: T,
  methods: Readonly<Record<string, unknown>>,
  decorator?: unknown,
): T {
  for (const [name, given] of Object.entries(methods)) {
    for (const one of [given].flat().reverse()) method(type, name, one);
  }
  if (decorator !== undefined) decorateType(type, decorator);
  return type;
}
