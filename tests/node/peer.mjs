// One of Node's servers, and Node's clients of any server; it does what it is told: POST / has JavaScript to run.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { io as connectTo } from "socket.io-client";
import { createClient } from "redis";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Emitter } from "@socket.io/redis-emitter";

const redis = createClient({ socket: { path: process.env.REDIS_SOCKET } });
redis.on("error", () => {});
const subscriber = redis.duplicate();
subscriber.on("error", () => {});
// Without Redis the adapters' promises fail, and Node would end.
process.on("unhandledRejection", (error) => console.log(String(error)));
await Promise.all([redis.connect(), subscriber.connect()]);

const adapters = {
  none: () => undefined,
  classic: () => createAdapter(redis, subscriber),
  sharded: () => createShardedAdapter(redis, subscriber),
  streams: () => createStreamsAdapter(redis),
};

const http = createServer((request, response) => {
  let code = "";
  request.on("data", (piece) => (code += piece));
  request.on("end", async () => {
    try {
      const result = await run(code);
      response.end(JSON.stringify(result ?? null));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error.stack));
    }
  });
});
const io = new Server(http, { adapter: adapters[process.env.ADAPTER]() });
const emitter = new Emitter(redis);
const heard = []; // serverSideEmit, by others

for (const namespace of [io, io.of("/chat")]) {
  namespace.on("connection", (socket) => {
    socket.data = { from: "node" };
    socket.on("whoami", (ack) => ack(socket.id));
  });
  namespace.on("from a server", (...args) => heard.push(args));
}

// A client keeps what it is sent until it is asked for it.
class Client {
  constructor(url) {
    this.received = [];
    this.waiting = [];
    this.socket = connectTo(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    this.socket.onAny((event, ...args) => {
      if (event === "question") args.pop()("answer of " + this.socket.id, ...args);
      else if (event === "bytes, please") args.pop()(Buffer.from([0, 255]));
      else if (event !== "silence, please") this.add([event, ...args]);
    });
    this.socket.on("disconnect", (reason) => this.add(["disconnected", reason]));
  }
  add(item) {
    const waiting = this.waiting.shift();
    if (waiting) waiting(item);
    else this.received.push(item);
  }
  next(milliseconds) {
    if (this.received.length) return this.received.shift();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((waiting) => waiting !== take);
        resolve(null);
      }, milliseconds);
      const take = (item) => {
        clearTimeout(timer);
        resolve(item);
      };
      this.waiting.push(take);
    });
  }
}
const clients = {};
const connect = (name, url) =>
  new Promise((resolve, reject) => {
    const client = (clients[name] = new Client(url));
    client.socket.on("connect", () => resolve(client.socket.id));
    client.socket.on("connect_error", reject);
  });

const AsyncFunction = (async () => {}).constructor;
const names = { io, emitter, redis, heard, clients, connect };
const run = (code) => new AsyncFunction(...Object.keys(names), code)(...Object.values(names));

http.listen(0, "127.0.0.1", () => {
  console.log(`Running on http://127.0.0.1:${http.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
