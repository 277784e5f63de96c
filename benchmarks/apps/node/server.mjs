// The same events on the Node server.
import { Server } from "socket.io";
import { options, serve } from "../events.mjs";

const io = new Server({ serveClient: false, ...options });

if (process.env.REDIS_SOCKET) {
  const { createClient } = await import("redis");
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const redis = createClient({ socket: { path: process.env.REDIS_SOCKET } });
  const subscriber = redis.duplicate();
  await Promise.all([redis.connect(), subscriber.connect()]);
  io.adapter(createAdapter(redis, subscriber));
}

serve(io);
io.listen(Number(process.argv[2]));
