byId("clear").addEventListener("click", async () => {
  byId("clear-state").textContent = await socket.emitWithAck("clear");
});

socket.on("confirm", (question, answer) => {
  const dialog = byId("confirm");
  byId("question").textContent = question;
  dialog.returnValue = "no";
  dialog.onclose = () => answer(dialog.returnValue === "yes");
  dialog.showModal();
});

socket.on("cleared", (name) => {
  byId("log").replaceChildren();
  show(`${name} has cleared the room.`).classList.add("news");
});
