"""How an application is served: uvicorn, the ASGI application, the client's files."""
