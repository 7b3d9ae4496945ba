import { connect, createServer, type Socket } from "node:net";

/** What becomes of the bytes that go one way. */
export type Passage = "pass" | "drop" | "cut";

/** A TCP proxy in front of a server, so that a test can lose what is said on the way. */
export interface TcpProxy {
  readonly port: number;
  /** The port of the server that new connections are led to. */
  target: number;
  /** Asked for every piece that the client sends. */
  onRequest: (bytes: Buffer) => Passage;
  /** Asked for every piece that the server answers. */
  onAnswer: (bytes: Buffer) => Passage;
  /** Ends all connections. */
  cutAll(): void;
  close(): Promise<void>;
}

export async function proxyTo(port: number, host = "127.0.0.1"): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(proxy.target, host);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    relay(client, upstream, (bytes) => proxy.onRequest(bytes), cut);
    relay(upstream, client, (bytes) => proxy.onAnswer(bytes), cut);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const proxy: TcpProxy = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    target: port,
    onRequest: () => "pass",
    onAnswer: () => "pass",
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      proxy.cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

function relay(from: Socket, to: Socket, passage: (bytes: Buffer) => Passage, cut: () => void): void {
  from.on("data", (bytes) => {
    const decided = passage(bytes);
    if (decided === "cut") cut();
    else if (decided === "pass" && to.writable) to.write(bytes);
  });
}
