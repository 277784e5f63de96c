// Helpers that the tests call in the page. Every event that arrives is kept in `inbox`, in order.
"use strict";

const inbox = [];
const dialled = [];

// A promise that says so when it waits in vain, instead of hanging the test.
function soon(what, start) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("waited in vain for " + what)), 8000);
    start(resolve, reject);
  });
}

function next(socket, event) {
  return soon(event, (resolve) => socket.once(event, (...args) => resolve(args)));
}

function dial(path, options) {
  const socket = io(path, { reconnectionDelay: 100, reconnectionDelayMax: 200, ...options });
  socket.onAny((...args) => inbox.push([socket.nsp, ...args]));
  dialled.push(socket);
  return socket;
}

// Leave the page as it was: nothing connected, nothing received.
function hangUp() {
  for (const socket of dialled.splice(0)) {
    socket.io.reconnection(false);
    socket.io.engine.close();
  }
  inbox.length = 0;
}

// Connected, and on the transport that `options.transports` ends with.
async function connected(path, options) {
  const socket = dial(path, options);
  await soon("connect", (resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  await settled(socket, options);
  return socket;
}

async function settled(socket, options) {
  const engine = socket.io.engine;
  if (engine.transport.name !== options.transports.at(-1)) {
    await soon("upgrade", (resolve) => engine.once("upgrade", resolve));
  }
}

function bytes(...values) {
  return new Uint8Array(values).buffer;
}

// JSON that shows bytes: an ArrayBuffer becomes {"ArrayBuffer": [numbers]}.
function plain(value) {
  if (value instanceof ArrayBuffer) return { ArrayBuffer: [...new Uint8Array(value)] };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

// The first event that arrives after the connection, which may still be on its way.
async function first() {
  while (inbox.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return inbox[0];
}
