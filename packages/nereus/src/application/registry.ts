import type { EventTypes } from "../log/event-types.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { CommandClass, QueryClass } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { Store } from "../ports/store.ts";
import type { AggregateCache } from "./aggregate-cache.ts";
import type { ApplicationServiceDefinition } from "./application-service.ts";
import type { CheckedClock } from "./checked-clock.ts";
import type { Log } from "./context.ts";
import type { Enrichers } from "./enrichers.ts";
import type { EventHandlersDefinition } from "./event-handlers.ts";
import type { EventSources } from "./event-sources.ts";
import type { Fingerprints } from "./fingerprints.ts";
import type { CommandHandling, QueryHandling } from "./handlers.ts";
import type { InlineRegister } from "./inline-register.ts";
import type { ProjectorDefinition } from "./projector.ts";
import type { CustomRepositoryClass } from "./repository.ts";
import type { SizeLimits } from "./size-limits.ts";
import type { Snapshots } from "./snapshots.ts";
import type { StoredShapes } from "./stored-shapes.ts";
import type { SubscriberDefinition } from "./subscriber.ts";

/** How one command is handled, with what start-up found out about it. */
export interface CommandRoute {
  readonly command: CommandClass;
  readonly aggregate: AggregateClass;
  readonly handling: CommandHandling;
  /** How long it may take, in milliseconds, where its caller does not say so. */
  readonly timeout: number | undefined;
  /** The command's field that names the aggregate; undefined where it has none. */
  readonly identityField: string | undefined;
}

export interface QueryRoute {
  readonly query: QueryClass;
  readonly projection: ProjectionClass;
  readonly run: QueryHandling;
}

/** The model of a domain, checked and indexed by name. */
export interface Registry {
  readonly domain: string;
  readonly aggregates: ReadonlyMap<string, AggregateClass>;
  readonly commands: ReadonlyMap<string, CommandRoute>;
  readonly queries: ReadonlyMap<string, QueryRoute>;
  readonly projections: ReadonlyMap<string, ProjectionClass>;
  /** By projection name. */
  readonly projectors: ReadonlyMap<string, ProjectorDefinition>;
  /** The projectors that run in the transaction of the command. */
  readonly inline: readonly ProjectorDefinition[];
  readonly events: EventTypes;
  /** The aggregates that raise or apply an event, by its name: their names are the categories of its streams. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  /** Custom repositories, by the name of their aggregate. */
  readonly repositories: ReadonlyMap<string, CustomRepositoryClass>;
  /** In the order of the elements. */
  readonly eventHandlers: readonly EventHandlersDefinition[];
  readonly services: ReadonlyMap<string, ApplicationServiceDefinition>;
  readonly subscribers: ReadonlyMap<string, SubscriberDefinition>;
}

/** What handling a message needs of its surroundings. */
export interface Runtime {
  readonly registry: Registry;
  readonly store: Store;
  readonly cache: AggregateCache;
  readonly snapshots: Snapshots;
  readonly inline: InlineRegister;
  readonly shapes: StoredShapes;
  readonly sources: EventSources;
  readonly fingerprints: Fingerprints;
  readonly clock: CheckedClock;
  /** How long what a handler runs in may take, in milliseconds, where nothing else says so. */
  readonly timeout: number | undefined;
  readonly enrichers: Enrichers;
  readonly log: Log;
  /** How often a command is tried again after a conflict. */
  readonly retries: number;
  readonly limits: SizeLimits;
}
