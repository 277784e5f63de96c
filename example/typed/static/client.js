// The page's program: `tsc` makes static/client.js of it.
import { io } from "socket.io-client";
const socket = io();
const board = document.querySelector("#board");
const form = document.querySelector("form");
const said = document.querySelector("output");
function show(note) {
    const item = document.createElement("li");
    item.className = note.colour;
    item.textContent = note.text;
    board.append(item);
}
socket.on("everything", (notes) => {
    board.replaceChildren();
    notes.forEach(show);
});
socket.on("noted", show);
form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = String(new FormData(form).get("text"));
    const answer = await socket.emitWithAck("note", { text });
    if (typeof answer === "number") {
        said.textContent = `This is note ${answer}.`;
        form.reset();
    }
    else {
        said.textContent = answer.fields.map((field) => `${field.field}: ${field.problem}`).join(", ");
    }
});
