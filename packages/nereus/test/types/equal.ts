/** Whether two types are the same, `any` and optionality included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`: `assertType<Equal<typeof id, string>>()`. */
export declare function assertType<_ extends true>(): void;
