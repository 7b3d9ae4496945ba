export {
  type ApplicationService,
  applicationService,
  type ServiceClass,
  type UseCase,
  type UseCaseMethods,
  type UseCases,
} from "./application/application-service.ts";
export type {
  Clock,
  CommandContext,
  EventContext,
  Log,
  MessageMetadata,
  QueryContext,
  WorkContext,
} from "./application/context.ts";
export type { DeliverOptions } from "./application/delivery.ts";
export type { Enrichers, Extensions } from "./application/enrichers.ts";
export {
  type EventHandlers,
  type EventHandlersOptions,
  type EventHandlersRun,
  eventHandlers,
} from "./application/event-handlers.ts";
export {
  type CommandHandlers,
  type CommandHandlersOptions,
  commandHandlers,
  type QueryHandlers,
  queryHandlers,
} from "./application/handlers.ts";
export type { HistoryEntry, PastOptions } from "./application/history.ts";
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
export {
  type CustomRepositoryClass,
  type CustomRepositoryTools,
  EventSourcedRepository,
  Repository,
  type RepositoryClass,
  type RepositoryOf,
} from "./application/repository.ts";
export type {
  EqualityTest,
  FieldTest,
  ListTest,
  OrderBy,
  Page,
  PageSelection,
  Selection,
  TextTest,
  Where,
} from "./application/selection.ts";
export type { Cancellation, Priority, Receipt, SendOptions } from "./application/send-options.ts";
export type { SizeLimits } from "./application/size-limits.ts";
export { type Subscriber, type SubscriberOptions, subscriber } from "./application/subscriber.ts";
export type { SqlTransaction } from "./application/unit-transaction.ts";
export type { CallOptions } from "./application/use-cases.ts";
export type { View } from "./application/view.ts";
export { Domain } from "./domain/domain.ts";
export type {
  DomainOptions,
  DomainProcessOptions,
  DomainSendOptions,
  TenantOptions,
} from "./domain/domain-options.ts";
export type {
  AggregateDescription,
  CommandDescription,
  EntityDescription,
  EventDescription,
  EventHandlersDescription,
  FieldDescription,
  FieldDescriptions,
  JsonValue,
  ModelDescription,
  ProjectionDescription,
  QueryDescription,
  RuleDescription,
  TypeDescription,
  TypeDetail,
  ValueObjectDescription,
} from "./domain/model-description.ts";
export type { OfTenant, OptionsOf, Tenancy } from "./domain/tenancy.ts";
export type { Engine } from "./engine/engine.ts";
export type { StopOptions } from "./engine/stopping.ts";
export { Aggregate, type AggregateBase } from "./model/aggregate.ts";
export type {
  AggregateClass,
  AggregateInstance,
  AggregateOptions,
  StateStoredOptions,
} from "./model/aggregate-root.ts";
export { type EntityCollection, type EntityCollectionView, hasMany, hasOne } from "./model/collection.ts";
export { type DecimalField, type DecimalLibrary, type DecimalOptions, decimal } from "./model/decimal.ts";
export type { DeepReadonly, EntityView } from "./model/deep-readonly.ts";
export {
  type DomainService,
  type DomainServiceBuilder,
  domainService,
  type PartInstances,
  type Parts,
} from "./model/domain-service.ts";
export type { Duration, DurationParts } from "./model/duration.ts";
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
  Shaped,
} from "./model/field.ts";
export { type IdentifierField, type IdentifierOptions, identifier } from "./model/identity.ts";
export type { JsonStatics } from "./model/json-form.ts";
export {
  Command,
  type CommandBase,
  type CommandClass,
  Event,
  type EventBase,
  type EventClass,
  type EventOptions,
  type MessageInstance,
  type MessageOf,
  type Named,
  Query,
  type QueryBase,
  type QueryClass,
  type Returning,
} from "./model/message.ts";
export { personal } from "./model/personal.ts";
export { Projection, type ProjectionBase, type ProjectionClass, type ProjectionOptions } from "./model/projection.ts";
export { type ReferenceField, reference } from "./model/reference.ts";
export { type Refusing, refuse } from "./model/refuse.ts";
export type { StandardIssue, StandardResult, StandardSchema } from "./model/standard-schema.ts";
export { status, type Transitions } from "./model/status.ts";
export { ValueObject, type ValueObjectClass, type ValueObjectInstance } from "./model/value-object.ts";
export type { JsonOf, WireOf } from "./model/wire-types.ts";
export type { SqlClient, SqlResult, Store } from "./ports/store.ts";
