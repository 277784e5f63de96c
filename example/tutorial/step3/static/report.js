function showReport(text, busy) {
  byId("report-state").textContent = text;
  byId("report").disabled = busy;
}

byId("report").addEventListener("click", async () => {
  byId("bar").value = 0;
  showReport("Asking for it…", true);
  showReport(await socket.emitWithAck("report"), true);
});

socket.on("progress", (percent) => {
  byId("bar").value = percent;
  showReport(percent < 100 ? `${percent} %` : "The report is ready.", percent < 100);
});

socket.on("disconnect", () => showReport("The connection was lost.", false));
