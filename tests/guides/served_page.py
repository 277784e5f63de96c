"""A page's Python program, served to the page's other clients: python served_page.py docs/guides/events.md 0."""

import os
import sys
import types

from tests.docs.pages import blocks

page, wanted = sys.argv[1], int(sys.argv[2])
module = types.ModuleType("app")
sys.modules["app"] = module
number = 0
for block in blocks(page):
    number += "new program" in block.marks
    if number == wanted and block.runs_here:
        for part in (*block.given, block.code):
            exec(compile("\n" * part.line + part.text, page, "exec"), module.__dict__)  # noqa: S102


@module.app.get("/client")
def client() -> str:
    return "<!doctype html><script src='/socket.io/socket.io.min.js'></script>"


module.socketio.run(module.app, port=int(os.environ["PORT"]))
