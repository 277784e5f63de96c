const byId = (id) => document.getElementById(id);
const socket = io();
let inside = false;

function show(content) {
  const item = document.createElement("li");
  item.append(content);
  byId("log").append(item);
  item.scrollIntoView({ block: "nearest" });
  return item;
}

function enter() {
  socket.emit("join", byId("room").value);
}

socket.on("connect", () => {
  byId("state").textContent = "Connected";
  if (inside) enter();
});

socket.on("disconnect", () => {
  byId("state").textContent = "Not connected, trying again…";
});

socket.on("connect_error", (error) => {
  byId("state").textContent = `Not connected: ${error.message}`;
});

socket.on("news", (text) => show(text).classList.add("news"));
socket.on("said", ({ name, text }) => show(`${name}: ${text}`));

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  enter();
  inside = true;
  byId("inside").hidden = false;
  byId("text").focus();
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("say", byId("text").value);
  byId("say").reset();
});
