const LARGEST = 3_000_000;

byId("image").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = byId("file").files[0];
  if (file.size > LARGEST) {
    byId("image-state").textContent = "The image is too large: 3 MB at most.";
    return;
  }
  byId("image-state").textContent = "Sending…";
  byId("image-state").textContent = await socket.emitWithAck("image", await file.arrayBuffer());
});

socket.on("image", ({ name, data }) => {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([data]));
  image.alt = `Image from ${name}`;
  const item = show(`${name}: `);
  item.append(image);
  image.addEventListener("load", () => item.scrollIntoView({ block: "nearest" }));
});
