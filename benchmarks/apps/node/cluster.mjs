// The same of Node's: @socket.io/redis-adapter, or its sharded one where the URL says so.
import { createInterface } from "node:readline";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient, createCluster } from "redis";
import { Server } from "socket.io";

const spec = JSON.parse(process.argv[2]);
const sharded = spec.url.startsWith("redis+sharded:");
const url = spec.url.replace("redis+sharded:", "redis:");
const connect = () =>
  sharded
    ? createCluster({ rootNodes: [{ url }] })
    : createClient(url.startsWith("unix:") ? { socket: { path: url.slice(7) } } : { url });
const [pub, sub] = [connect(), connect()];
await Promise.all([pub.connect(), sub.connect()]);

const io = new Server();
io.adapter(
  sharded
    ? createShardedAdapter(pub, sub, { channelPrefix: spec.channel, subscriptionMode: "dynamic-private" })
    : createAdapter(pub, sub, { key: spec.channel }),
);
const nsp = io.of("/");
let delivered = 0;
let published = 0;
for (const room of spec.rooms) {
  const id = `member of ${room}`;
  nsp.sockets.set(id, {
    id,
    client: { writeToEngine: () => void delivered++ },
    notifyOutgoingListeners: () => {},
  });
  nsp.adapter.addAll(id, new Set([id, room]));
}
for (const name of ["publish", "sPublish"]) {
  const original = pub[name].bind(pub);
  pub[name] = async (...args) => {
    const answer = await original(...args);
    published++;
    return answer;
  };
}

const data = { text: "x".repeat(spec.size), number: 7 };
const emit = (room) => (room === null ? io : io.to(room)).emit("message", data);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
let cpu = cpuNow();
const report = () => ({ cpu: cpuNow() - cpu, delivered });

async function publish({ to, rate }) {
  const began = performance.now();
  const wanted = published + to.length;
  const burst = rate ? Math.max(Math.round(rate / 100), 1) : 500;
  let due = performance.now();
  for (let first = 0; first < to.length; first += burst) {
    to.slice(first, first + burst).forEach(emit);
    due += rate ? 10 : 0;
    await sleep(Math.max(due - performance.now(), 0));
  }
  while (published < wanted) await sleep(1);
  return { ...report(), seconds: (performance.now() - began) / 1000 };
}

await sleep(1000);
console.log('"listens"');
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer = {};
  if (order.do === "begin") cpu = cpuNow();
  else answer = order.do === "publish" ? await publish(order) : report();
  console.log(JSON.stringify(answer));
}
process.exit(0);
