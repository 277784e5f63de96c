// The events of flask_app.py, for socket.io on whatever runs it.
const MIDDLEWARES = Number(process.env.MIDDLEWARES ?? 0);

export const options = {
  maxHttpBufferSize: 2e6,
  ...(process.env.PING_INTERVAL && { pingInterval: 1000 * process.env.PING_INTERVAL }),
};

export function serve(io) {
  const ids = [];
  io.on("connection", (socket) => {
    socket.join("all");
    for (let count = 0; count < MIDDLEWARES; count++) socket.use((event, next) => next());
    socket.on("echo", (data, ack) => {
      socket.emit("echo", data);
      ack();
    });
    socket.on("shout", (data) => io.to("all").emit("shout", data));
    socket.on("swallow", (data, ack) => ack());
    socket.on("enlist", (ack) => {
      ids.push(socket.id);
      ack();
    });
    socket.on("tell", (data) => io.to(ids).emit("shout", data));
    socket.on("visit", (data, ack) => {
      const room = `visit ${socket.id}`;
      socket.join(room);
      io.to(room).emit("echo", data);
      socket.leave(room);
      ack();
    });
  });
}
