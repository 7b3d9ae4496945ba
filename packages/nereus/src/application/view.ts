import { definition } from "../model/element.ts";
import { assertIdentity, isStorable } from "../model/identity.ts";
import { type ProjectionClass, restoreRow } from "../model/projection.ts";
import type { Values } from "../model/values.ts";
import type { DocumentReader, StoredDocument } from "../ports/store.ts";
import { DocumentFinder } from "./document-query.ts";
import type { Page, PageSelection, Selection, Where } from "./selection.ts";

/** The rows of a projection, to read: as of the last commit that reached them. */
export interface View<Row> {
  /** The row, or undefined. */
  get(id: string): Promise<Row | undefined>;
  /**
   * The rows that match: all of them, unless there is a limit.
   *
   * @throws NereusError UNKNOWN_FIELD or OPTION_INVALID
   * @example await view.find({ where: { holder: { contains: "Lovelace" }, balance: { gte: 0 } }, orderBy: { holder: "asc" } });
   */
  find(selection?: Selection<Row>): Promise<Row[]>;
  /** The next of the rows that match, and where to go on: as stable as a list can be that changes while it is read. */
  page(selection: PageSelection<Row>): Promise<Page<Row>>;
  count(where?: Where<Row>): Promise<number>;
}

/** A view of one tenant's rows. */
export class ProjectionView<Row extends object> implements View<Row> {
  readonly #projection: ProjectionClass<Row>;
  readonly #collection: string;
  readonly #documents: DocumentReader;
  readonly #tenant: string;
  readonly #finder: DocumentFinder;

  constructor(projection: ProjectionClass<Row>, collection: string, documents: DocumentReader, tenant: string) {
    this.#projection = projection;
    this.#collection = collection;
    this.#documents = documents;
    this.#tenant = tenant;
    this.#finder = new DocumentFinder(projection[definition].shape, collection, documents, tenant);
  }

  async get(id: string): Promise<Row | undefined> {
    assertIdentity(id);
    if (!isStorable(id)) return undefined;
    const found = await this.#documents.get(this.#collection, this.#tenant, [id]);
    const document = found.get(id);
    return document === undefined ? undefined : this.#row(document);
  }

  async find(selection: Selection<Row> = {}): Promise<Row[]> {
    return (await this.#finder.find(selection)).map((document) => this.#row(document));
  }

  async page(selection: PageSelection<Row>): Promise<Page<Row>> {
    const { documents, next } = await this.#finder.page(selection);
    return { items: documents.map((document) => this.#row(document)), next };
  }

  async count(where?: Where<Row>): Promise<number> {
    return this.#finder.count(where ?? {});
  }

  #row(document: StoredDocument): Row {
    return restoreRow(this.#projection, JSON.parse(document.data) as Values);
  }
}
