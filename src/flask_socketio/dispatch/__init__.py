"""Running handlers: `def` on threads, `async def` on the loop, results back to the loop."""
