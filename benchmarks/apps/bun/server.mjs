// The same events on Bun: its own HTTP server and WebSockets, instead of Node's and ws.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { options, serve } from "../events.mjs";

const io = new Server({ serveClient: false });
const engine = new Engine({ path: "/socket.io/", ...options });
io.bind(engine);
serve(io);
Bun.serve({ port: Number(process.argv[2]), hostname: "127.0.0.1", ...engine.handler() });
