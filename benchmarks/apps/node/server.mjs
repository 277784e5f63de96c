// The same events on the Node server.
import { Server } from "socket.io";

const io = new Server({
  maxHttpBufferSize: 2e6,
  serveClient: false,
  ...(process.env.PING_INTERVAL && { pingInterval: 1000 * process.env.PING_INTERVAL }),
});

if (process.env.REDIS_SOCKET) {
  const { createClient } = await import("redis");
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const redis = createClient({ socket: { path: process.env.REDIS_SOCKET } });
  const subscriber = redis.duplicate();
  await Promise.all([redis.connect(), subscriber.connect()]);
  io.adapter(createAdapter(redis, subscriber));
}

io.on("connection", (socket) => {
  socket.join("all");
  socket.on("echo", (data, ack) => {
    socket.emit("echo", data);
    ack();
  });
  socket.on("shout", (data) => io.to("all").emit("shout", data));
  socket.on("swallow", (data, ack) => ack());
});

io.listen(Number(process.argv[2]));
