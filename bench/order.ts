/** The one domain every contestant runs: two events of nine fields, about 300 bytes as JSON, and what they fold into. */

export type OrderPlaced = {
  orderId: string;
  customerId: string;
  placedAt: string;
  currency: string;
  total: number;
  itemCount: number;
  channel: string;
  shipTo: string;
  note: string;
};

export type ItemAdded = {
  orderId: string;
  itemId: string;
  sku: string;
  name: string;
  quantity: number;
  unitPrice: number;
  addedBy: string;
  addedAt: string;
  note: string;
};

export type OrderEvent = { type: "OrderPlaced"; data: OrderPlaced } | { type: "ItemAdded"; data: ItemAdded };

/** The commands carry the fields of the event they lead to. */
export type PlaceOrder = OrderPlaced;
export type AddItem = ItemAdded;

export type OrderState = { orderId: string; customerId: string; items: number; total: number };

/** One row of the read model of catch-up.ts. */
export type OrderSummary = OrderState;

export const itemLimit = 1_000_000;

export const newOrder = (): OrderState => ({ orderId: "", customerId: "", items: 0, total: 0 });

/** Changes the state in place and returns it: the cheapest fold, given to every contestant whose API lets us choose. */
export function evolve(state: OrderState, event: OrderEvent): OrderState {
  if (event.type === "OrderPlaced") {
    state.orderId = event.data.orderId;
    state.customerId = event.data.customerId;
    state.items = event.data.itemCount;
    state.total = event.data.total;
  } else {
    state.items += event.data.quantity;
    state.total += event.data.quantity * event.data.unitPrice;
  }
  return state;
}

/** Validation for the contestants that bring none: cheaper than any schema library, so the peers are not slowed by it. */
export function checkPlaceOrder(command: PlaceOrder): void {
  const strings = [command.orderId, command.customerId, command.placedAt, command.currency];
  const more = [command.channel, command.shipTo, command.note];
  if (!strings.every(isText) || !more.every(isText)) throw new Error("invalid PlaceOrder: a text field is not text");
  if (!isCount(command.total) || !isCount(command.itemCount)) throw new Error("invalid PlaceOrder: not a whole number");
}

export function checkAddItem(command: AddItem): void {
  const strings = [command.orderId, command.itemId, command.sku, command.name];
  const more = [command.addedBy, command.addedAt, command.note];
  if (!strings.every(isText) || !more.every(isText)) throw new Error("invalid AddItem: a text field is not text");
  if (!isCount(command.quantity) || !isCount(command.unitPrice)) throw new Error("invalid AddItem: not a whole number");
}

const isText = (value: unknown): boolean => typeof value === "string" && value.length <= 200;
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;

export function decidePlaceOrder(state: OrderState, command: PlaceOrder): OrderEvent {
  if (state.orderId !== "") throw new Error(`order ${command.orderId} exists already`);
  return { type: "OrderPlaced", data: command };
}

export function decideAddItem(state: OrderState, command: AddItem): OrderEvent {
  if (state.orderId === "") throw new Error(`order ${command.orderId} does not exist`);
  if (state.items + command.quantity > itemLimit) throw new Error(`order ${command.orderId} is full`);
  return { type: "ItemAdded", data: command };
}

export function placeOrder(orderId: string, n: number): PlaceOrder {
  return {
    orderId,
    customerId: `customer-${String(n % 100_000).padStart(6, "0")}`,
    placedAt: "2026-11-23T09:30:00.000Z",
    currency: "EUR",
    total: 12_900 + (n % 1_000),
    itemCount: 1 + (n % 9),
    channel: "web",
    shipTo: "14 Rue des Martyrs, 75009 Paris, France",
    note: "Please leave the parcel with the neighbour on the 2nd floor",
  };
}

export function addItem(orderId: string, n: number): AddItem {
  return {
    orderId,
    itemId: `item-${String(n % 1_000_000).padStart(7, "0")}`,
    sku: "SKU-4711-0815-XL",
    name: "Stoneware mug, 0.3 litre, slate grey",
    quantity: 1 + (n % 5),
    unitPrice: 1_000 + (n % 1_000),
    addedBy: "customer-000042",
    addedAt: "2026-11-23T09:31:00.000Z",
    note: "A gift, without the bill inside, please",
  };
}
