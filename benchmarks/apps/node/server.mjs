// The same events on the Node server.
import { Server } from "socket.io";

const io = new Server(Number(process.argv[2]), {
  maxHttpBufferSize: 2e6,
  serveClient: false,
  ...(process.env.PING_INTERVAL && { pingInterval: 1000 * process.env.PING_INTERVAL }),
});

io.on("connection", (socket) => {
  socket.join("all");
  socket.on("echo", (data, ack) => {
    socket.emit("echo", data);
    ack();
  });
  socket.on("shout", (data) => io.to("all").emit("shout", data));
  socket.on("swallow", (data, ack) => ack());
});
