export type { Clock, CommandContext, Log, MessageMetadata, QueryContext } from "./application/context.ts";
export {
  type CommandHandlers,
  commandHandlers,
  type QueryHandlers,
  queryHandlers,
} from "./application/handlers.ts";
export type { ProcessOptions } from "./application/process-options.ts";
export {
  type EventMetadata,
  type ProjectionRun,
  type Projector,
  type ProjectorContext,
  type ProjectorOptions,
  projector,
  type Rows,
} from "./application/projector.ts";
export type { HistoryEntry, PastOptions, ReadRepository, Repository } from "./application/repository.ts";
export type { FieldTest, Selection, View, Where } from "./application/view.ts";
export { Domain, type DomainOptions, type DomainProcessOptions, type TenantOptions } from "./domain/domain.ts";
export type { Engine } from "./engine/engine.ts";
export { Aggregate, type AggregateBase } from "./model/aggregate.ts";
export type { AggregateClass, AggregateInstance, AggregateOptions } from "./model/aggregate-root.ts";
export { type EntityCollection, type EntityCollectionView, hasMany, hasOne } from "./model/collection.ts";
export type { Element, ElementKind } from "./model/element.ts";
export { Entity, type EntityBase, type EntityClass, type EntityInstance } from "./model/entity.ts";
export {
  AggregateNotFoundError,
  ConcurrencyError,
  type ErrorCode,
  type ErrorDetails,
  type Issue,
  isNereusError,
  ModelError,
  type ModelFault,
  NereusError,
  NotImplementedError,
  ValidationError,
} from "./model/errors.ts";
export { EventSourcedAggregate, type EventSourcedBase } from "./model/event-sourced-aggregate.ts";
export type {
  EntityInput,
  Field,
  Fields,
  FieldsView,
  Input,
  RelationField,
  Shape,
} from "./model/field.ts";
export { type IdentifierField, type IdentifierOptions, identifier } from "./model/identity.ts";
export {
  Command,
  type CommandBase,
  type CommandClass,
  Event,
  type EventBase,
  type EventClass,
  type EventOptions,
  type MessageInstance,
  type Named,
  Query,
  type QueryBase,
  type QueryClass,
  type Returning,
} from "./model/message.ts";
export { Projection, type ProjectionBase, type ProjectionClass, type ProjectionOptions } from "./model/projection.ts";
export type { StandardIssue, StandardResult, StandardSchema } from "./model/standard-schema.ts";
export { status, type Transitions } from "./model/status.ts";
export { ValueObject, type ValueObjectClass, type ValueObjectInstance } from "./model/value-object.ts";
export type { Store } from "./ports/store.ts";
