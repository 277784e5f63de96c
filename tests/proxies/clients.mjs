// Many of the official clients in one process. A command a line on stdin, its answer a line on stdout, both JSON.
// Arguments: the server's URL, and how many: of three, one polls, one upgrades and one begins with WebSocket.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, count] = process.argv.slice(2);
const KINDS = { polling: ["polling"], upgrading: ["polling", "websocket"], websocket: ["websocket"] };
const names = Object.keys(KINDS);

function open(number) {
  const kind = names[number % names.length];
  const client = { number, kind, heard: [], errors: [], disconnects: [], connects: 0 };
  const socket = io(url, {
    transports: KINDS[kind], forceNew: true, reconnectionDelay: 200, reconnectionDelayMax: 1000, timeout: 20000,
  });
  client.socket = socket;
  const failed = (what) => (error) => client.errors.push([what, error.message, error.description?.message ?? error.description ?? null]);
  socket.on("welcome", (welcome) => Object.assign(client, welcome));
  socket.io.on("open", () => socket.io.engine.on("upgradeError", failed("upgrade")));
  socket.on("connect", () => (client.connects += 1));
  socket.on("connect_error", failed("connect"));
  socket.on("disconnect", (reason, details) => {
    client.pid = null;
    client.disconnects.push([Date.now() / 1000, reason, details?.description ?? null]);
  });
  for (const event of ["told", "shouted"])
    socket.on(event, (data) => client.heard.push([event, data]));
  return client;
}

const clients = Array.from({ length: Number(count) }, (_, number) => open(number));

const state = ({ socket, ...client }) => ({
  ...client,
  connected: socket.connected,
  transport: socket.io.engine?.transport.name,
  port: socket.io.engine?.transport.ws?._socket?.localPort ?? null,
});

const commands = {
  state: () => clients.map(state),
  emit: (numbers, event, data) => numbers.forEach((number) => clients[number].socket.emit(event, data)),
  // What each gets back; null where nothing comes.
  echo: (numbers, data) =>
    Promise.all(numbers.map((number) => clients[number].socket.timeout(20000).emitWithAck("echo", data).catch(() => null))),
  forget: () => clients.forEach((client) => Object.assign(client, { heard: [], errors: [], disconnects: [] })),
  leave: () => clients.forEach((client) => client.socket.disconnect()),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  console.log(JSON.stringify((await commands[name](...given)) ?? null));
}
process.exit();
